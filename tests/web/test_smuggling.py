"""Requests whose end two readers might see in different places: whoever stands in front of us may be the
other one. They are refused, and nothing of them is a request."""

from __future__ import annotations

import pytest

from tests.web.speaker import Speaker

SECOND = b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def head(*lines: bytes, first: bytes = b"POST /first HTTP/1.1", end: bytes = b"\r\n") -> bytes:
    return end.join((first, b"Host: x", *lines, b"", b""))


CHUNKS = b"0\r\n\r\n" + SECOND
REFUSED = {
    "a length and chunks": head(b"Content-Length: 5", b"Transfer-Encoding: chunked") + CHUNKS,
    "chunks and a length": head(b"Transfer-Encoding: chunked", b"Content-Length: 5") + CHUNKS,
    "two lengths": head(b"Content-Length: 0", b"Content-Length: 55") + SECOND,
    "two equal lengths": head(b"Content-Length: 0", b"Content-Length: 0") + SECOND,
    "a list of lengths": head(b"Content-Length: 0, 0") + SECOND,
    "a length with a sign": head(b"Content-Length: +0") + SECOND,
    "a negative length": head(b"Content-Length: -1") + SECOND,
    "a length in hexadecimal": head(b"Content-Length: 0x10") + SECOND,
    "a length beyond all numbers": head(b"Content-Length: 18446744073709551616") + SECOND,
    "an empty length": head(b"Content-Length: ") + SECOND,
    "a blank before the colon": head(b"Content-Length : 0") + SECOND,
    "a folded line": head(b"Transfer-Encoding:", b" chunked") + CHUNKS,
    "another line that is folded": head(b"X-A: b", b"\tContent-Length: 0") + SECOND,
    "chunks that are not the last coding": head(b"Transfer-Encoding: chunked, identity") + CHUNKS,
    "a coding that is nearly chunked": head(b"Transfer-Encoding: xchunked") + CHUNKS,
    "a coding that nobody knows": head(b"Transfer-Encoding: identity") + CHUNKS,
    "chunks twice": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity") + CHUNKS,
    "a tab before chunked": head(b"Transfer-Encoding:\x0bchunked") + CHUNKS,
    "lines that end in LF": head(b"Content-Length: 0", end=b"\n") + SECOND,
    "a line that ends in LF": head(b"X-A: b\nContent-Length: 0") + SECOND,
    "a line that ends in CR": head(b"X-A: b\rContent-Length: 0") + SECOND,
    "a NUL in a value": head(b"X-A: b\0c", b"Content-Length: 0") + SECOND,
    "a NUL in a name": head(b"X\0A: b", b"Content-Length: 0") + SECOND,
    "a line without a colon": head(b"Content-Length", b"X-A: b") + SECOND,
    "a line without a name": head(b": b", b"Content-Length: 0") + SECOND,
    "a blank before the first header": head(
        b"Content-Length: 0", first=b"POST / HTTP/1.1\r\n A: b"
    ),
    "a sign before a size": head(b"Transfer-Encoding: chunked") + b"+0\r\n\r\n" + SECOND,
    "a size in hexadecimal, said twice": head(b"Transfer-Encoding: chunked")
    + b"0x0\r\n\r\n"
    + SECOND,
    "a size beyond all numbers": head(b"Transfer-Encoding: chunked")
    + b"10000000000000000\r\n"
    + SECOND,
    "a chunk that is longer": head(b"Transfer-Encoding: chunked") + b"1\r\nabc\r\n" + CHUNKS,
    "sizes that end in LF": head(b"Transfer-Encoding: chunked") + b"0\n\n" + SECOND,
    "a version that is none": head(b"Content-Length: 0", first=b"POST / HTTP/1.a") + SECOND,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECOND,
    "HTTP/0.9": b"GET /\r\n\r\n" + SECOND,
    "more behind the version": head(b"Content-Length: 0", first=b"POST / HTTP/1.1 x") + SECOND,
    "a method that nobody knows": head(b"Content-Length: 0", first=b"SMUGGLE / HTTP/1.1") + SECOND,
    "a control character in the target": head(b"Content-Length: 0", first=b"POST /\x01 HTTP/1.1"),
}


@pytest.mark.parametrize("said", REFUSED.values(), ids=REFUSED.keys())
@pytest.mark.parametrize("is_cut", [False, True], ids=["whole", "in two pieces"])
def test_what_has_no_certain_end_is_refused(shared: Speaker, said: bytes, is_cut: bool) -> None:
    shared.scopes.clear()
    middle = len(said) // 2 if is_cut else len(said)
    answer = shared.heard(said[:middle], said[middle:], pause=0.01 if is_cut else 0.0)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 4") == 1
    assert "/smuggled" not in [scope["path"] for scope in shared.scopes]


TARGETS = {
    b"http://x/a?b": "/a",
    b"http://other.example:81/a": "/a",
    b"//x/a": "//x/a",
    b"/a%2Fb%00": "/a/b\0",
    b"/../a": "/../a",
}


@pytest.mark.parametrize(("target", "path"), TARGETS.items())
def test_a_target_names_a_path_and_nothing_else(shared: Speaker, target: bytes, path: str) -> None:
    shared.scopes.clear()
    said = head(b"Content-Length: 0", b"Connection: close", first=b"POST %b HTTP/1.1" % target)
    assert shared.heard(said).startswith(b"HTTP/1.1 200 ")
    (scope,) = shared.scopes
    assert scope["path"] == path
