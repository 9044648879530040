"""What comes before a body is bounded in size and time, and nothing else is."""

from __future__ import annotations

import time

import pytest

from tests.web.speaker import Speaker
from tocsin.web import protocol

SECONDS = 0.3


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SECONDS)


def request(body: bytes, *, last: bool = False, fill: int = 0) -> bytes:
    lines = [b"POST / HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body)]
    lines += [b"X-Fill: " + b"y" * fill] if fill else []
    lines += [b"Connection: close"] if last else []
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize("said", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nX-"])
def test_a_head_that_does_not_come_is_not_waited_for(served: Speaker, said: bytes) -> None:
    assert served.heard(said) == b""


def test_nor_is_one_that_comes_in_drops(served: Speaker) -> None:
    began = time.monotonic()
    with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe
        served.heard(b"POST / HTTP/1.1\r\n", *([b"X: y\r\n"] * 400), pause=0.05)
    assert time.monotonic() - began < 15


def test_the_second_request_of_a_connection_is_bounded_too(served: Speaker) -> None:
    answer = served.heard(request(b"one"), b"POST / HTTP/1.1\r\n", pause=0.05)
    assert answer.count(b"HTTP/1.1 200 ") == 1


def test_a_body_may_take_longer_and_be_larger(served: Speaker) -> None:
    whole = request(b"z" * 500_000, last=True)
    answer = served.heard(whole[:100], whole[100:300_000], whole[300_000:], pause=SECONDS * 1.5)
    assert answer.endswith(b"500000")


def test_many_requests_in_one_piece(served: Speaker) -> None:
    said = b"".join(request(b"z" * 30_000, fill=3_000) for _ in range(10))
    answer = served.heard(said + request(b"", last=True))
    assert answer.count(b"HTTP/1.1 200 ") == 11


def test_the_largest_head_is_taken_and_a_larger_one_is_not(served: Speaker) -> None:
    fitting, larger = request(b"", last=True, fill=60_000), request(b"", last=True, fill=120_000)
    for taken in ([fitting], [fitting[:30_000], fitting[30_000:]]):
        assert served.heard(*taken, pause=0.02).startswith(b"HTTP/1.1 200 ")
    pieces = [larger[place : place + 20_000] for place in range(0, 120_000, 20_000)]
    assert served.heard(*pieces, pause=0.02).startswith(b"HTTP/1.1 431 ")
