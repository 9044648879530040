"""Bodies in chunks: what comes around and after them is neither a header nor without an end."""

from __future__ import annotations

import pytest

from tests.web.speaker import Speaker
from tocsin.web.protocol import HEAD_BYTES

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
TRAILERS = b"X-Forwarded-For: 127.0.0.1\r\nHost: y\r\nExpect: 100-continue\r\n\r\n"


@pytest.mark.parametrize("cut", [0, 12, len(HEAD) + 10, len(HEAD) + 40])
def test_a_trailer_is_no_header(shared: Speaker, cut: int) -> None:
    said = HEAD + b"3\r\nabc\r\n0\r\n" + TRAILERS
    answer = shared.heard(said[:cut], said[cut:], pause=0.02)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\n3")
    names = [name for name, _ in shared.scopes[-1]["headers"]]
    assert names == [b"host", b"transfer-encoding", b"connection"]


ENDLESS = {
    "trailers": (b"3\r\nabc\r\n0\r\n", b"X-Fill: y\r\n"),
    "one trailer": (b"3\r\nabc\r\n0\r\nX-Fill: ", b"yyyyyyyy"),
    "an extension of a chunk": (b"3\r\nabc\r\n3;fill=", b"yyyyyyyy"),
}


@pytest.mark.parametrize(("begin", "fill"), ENDLESS.values(), ids=ENDLESS.keys())
def test_what_never_ends_is_not_read_for_ever(shared: Speaker, begin: bytes, fill: bytes) -> None:
    # More than is read at once, however much of it has gathered.
    pieces = [fill * (HEAD_BYTES // len(fill))] * 12
    answer = shared.heard_before_cut(HEAD + begin, *pieces, pause=0.01)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_many_small_chunks_are_a_body(shared: Speaker) -> None:
    chunks = b"1;a=b\r\nx\r\n" * 20_000
    pieces = [chunks[place : place + 20_000] for place in range(0, len(chunks), 20_000)]
    assert shared.heard(HEAD, *pieces, b"0\r\n\r\n", pause=0.005).endswith(b"\r\n\r\n20000")


def test_so_are_chunks_that_come_after_their_sizes(shared: Speaker) -> None:
    pieces = [b"1\r\n", b"x", b"\r\n"] * 5
    assert shared.heard(HEAD, *pieces, b"0\r\n\r\n", pause=0.005).endswith(b"\r\n\r\n5")
