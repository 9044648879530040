"""What comes before a body is bounded in size and time, and nothing else is."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tocsin.web import request_head as http_head
from tocsin.web.protocol import Protocol

SECONDS = 0.3


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(http_head, "HEAD_SECONDS", SECONDS)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"%d" % size
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, http=Protocol, lifespan="off", log_level="critical", access_log=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()


def heard(port: int, *said: bytes, pause: float = 0.0) -> bytes:
    """All that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for piece in said:
            connection.sendall(piece)
            time.sleep(pause)
        answer = b""
        while data := connection.recv(65_536):
            answer += data
        return answer


def request(body: bytes, *, last: bool = False, fill: int = 0) -> bytes:
    lines = [b"POST / HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body)]
    lines += [b"X-Fill: " + b"y" * fill] if fill else []
    lines += [b"Connection: close"] if last else []
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize("said", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nX-"])
def test_a_head_that_does_not_come_is_not_waited_for(port: int, said: bytes) -> None:
    assert heard(port, said) == b""


def test_nor_is_one_that_comes_in_drops(port: int) -> None:
    began = time.monotonic()
    with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe
        heard(port, b"POST / HTTP/1.1\r\n", *([b"X: y\r\n"] * 400), pause=0.05)
    assert time.monotonic() - began < 15


def test_the_second_request_of_a_connection_is_bounded_too(port: int) -> None:
    answer = heard(port, request(b"one"), b"POST / HTTP/1.1\r\n", pause=0.05)
    assert answer.count(b"HTTP/1.1 200 ") == 1


def test_a_body_may_take_longer_and_be_larger(port: int) -> None:
    whole = request(b"z" * 500_000, last=True)
    answer = heard(port, whole[:100], whole[100:300_000], whole[300_000:], pause=SECONDS * 1.5)
    assert answer.endswith(b"500000")


def test_many_requests_in_one_piece(port: int) -> None:
    said = b"".join(request(b"z" * 30_000, fill=3_000) for _ in range(10))
    answer = heard(port, said + request(b"", last=True))
    assert answer.count(b"HTTP/1.1 200 ") == 11


def test_the_largest_head_is_taken_and_a_larger_one_is_not(port: int) -> None:
    fitting, larger = request(b"", last=True, fill=60_000), request(b"", last=True, fill=120_000)
    for taken in ([fitting], [fitting[:30_000], fitting[30_000:]]):
        assert heard(port, *taken, pause=0.02).startswith(b"HTTP/1.1 200 ")
    pieces = [larger[place : place + 20_000] for place in range(0, 120_000, 20_000)]
    assert heard(port, *pieces, pause=0.02).startswith(b"HTTP/1.1 431 ")
