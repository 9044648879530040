"""Nothing but HTTP/1.1 is spoken, whatever a request asks for."""

from __future__ import annotations

import pytest

from tests.web.speaker import Speaker

H2C = (
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)
"""As Java's HttpClient sends it."""


def post(body: bytes, *lines: bytes, close: bool = False) -> bytes:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(body)
    return head + b"".join(lines) + (b"Connection: close\r\n" if close else b"") + b"\r\n" + body


LAST = post(b"", close=True)


@pytest.mark.parametrize(
    "lines",
    [
        H2C,
        b"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        b"upgrade: x\r\nconnection: UPGRADE\r\nConnection: te\r\n",
    ],
)
@pytest.mark.parametrize("cut", [0, 40, 10_000])
def test_upgrade_is_ignored_and_the_body_is_a_body(served: Speaker, lines: bytes, cut: int) -> None:
    smuggled = b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    said = post(smuggled, lines) + post(b"12345", lines) + LAST
    answer = served.heard(said[:cut], said[cut:], pause=0.02)
    assert [scope["path"] for scope in served.scopes] == ["/", "/", "/"]
    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert b"\r\n\r\n%d" % len(smuggled) in answer
    assert b"\r\n\r\n5HTTP" in answer


def test_a_chunked_body_of_an_upgrade_is_one_too(served: Speaker) -> None:
    said = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + H2C + b"\r\n"
    answer = served.heard(said + b"3\r\nabc\r\n0\r\n\r\n" + LAST)
    assert b"\r\n\r\n3HTTP" in answer


def test_its_other_headers_arrive(served: Speaker) -> None:
    served.heard(post(b"abc", H2C, b"X-Webhook-Signature: \xe9 a,b\r\n") + LAST)
    headers = served.scopes[0]["headers"]
    assert (b"x-webhook-signature", b"\xe9 a,b") in headers
    assert (b"host", b"x") in headers


def test_thousands_of_upgrades_in_one_piece(served: Speaker) -> None:
    answer = served.heard(post(b"", H2C) * 3_000 + LAST)
    assert answer.count(b"HTTP/1.1 200 ") == 3_001


@pytest.mark.parametrize(
    "said",
    [
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + H2C + b"Content-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n"
        + H2C
        + b"\r\nabc",
    ],
)
def test_what_is_no_request_of_ours_is_400(served: Speaker, said: bytes) -> None:
    answer = served.heard(said)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 4") == 1
    assert not served.scopes


def test_it_waits_for_its_turn(served: Speaker) -> None:
    """The 400 of a request without Host is not taken for the answer to the one before it."""
    answer = served.heard(post(b"abc") + b"POST / HTTP/1.1\r\n\r\n")
    assert answer.index(b"HTTP/1.1 200 ") < answer.index(b"HTTP/1.1 400 ")


def test_http_1_0_needs_no_host(served: Speaker) -> None:
    assert served.heard(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")
