"""Whatever is said on a connection, in whichever pieces it arrives and however fast it is answered, the
same requests are heard, and the same is answered in the same order."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from tocsin.web.protocol import Answer, Protocol

TURNS = 60
"""Of the event loop, in which everything is answered."""


class Socket(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.is_paused = self.is_over = False

    def write(self, data: Any) -> None:
        assert not self.is_over
        self.said += data

    def close(self) -> None:
        self.is_over = True

    def is_closing(self) -> bool:
        return self.is_over

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    async def can_be_read(self) -> None:
        for _ in range(TURNS):
            if self.is_over or not self.is_paused:
                return
            await asyncio.sleep(0)


@dataclass
class Heard:
    requests: list[Any] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    is_over: bool = False


@dataclass
class Listener:
    """`is_slow`: answers in a later turn of the loop."""

    is_slow: bool
    heard: Heard = field(default_factory=Heard)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if self.is_slow:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        self.heard.requests.append((scope["path"], body, [*scope["headers"]]))
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def at_once(
        self, method: bytes, target: bytes, headers: Any, body: bytes, answer: Answer
    ) -> bool:
        if target != b"/taken":
            return False
        self.heard.requests.append((target.decode(), body, [*headers]))
        if self.is_slow:
            asyncio.get_running_loop().call_soon(answer, 200, b"", b"")
        else:
            answer(200, b"", b"")
        return True

    async def hear(self, said: bytes, cuts: Sequence[int], *, ends: bool) -> Heard:
        """`ends`: who said that says no more, and listens."""
        config = uvicorn.Config(
            self.app,
            http=Protocol,
            interface="asgi3",
            lifespan="off",
            access_log=False,
            log_level="critical",
        )
        config.load()
        loop = asyncio.get_running_loop()
        protocol = Protocol(config, ServerState(), {"at_once": self.at_once}, loop)
        socket = Socket()
        protocol.connection_made(socket)
        ends = sorted({cut for cut in cuts if cut < len(said)} | {len(said)})
        for begin, end in zip([0, *ends], ends, strict=False):
            await socket.can_be_read()
            if socket.is_over:
                break
            protocol.data_received(said[begin:end])
            await asyncio.sleep(0)
        if ends:
            await socket.can_be_read()
            if not socket.is_over and not protocol.eof_received():
                assert socket.is_over
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self.heard.is_over = socket.is_over
        # Whether it is told to go on depends on what has come of its body by then.
        self.heard.answers = re.findall(rb"HTTP/1\.1 ([2-5]\d\d)", socket.said)
        protocol.connection_lost(None)
        await asyncio.sleep(0)
        return self.heard


def request(first: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((first, b"Host: x", *lines, b"", body))


CHUNKED = b"Transfer-Encoding: chunked"
REQUESTS = [
    request(b"POST /a HTTP/1.1", b"Content-Length: 3", body=b"abc"),
    request(b"POST /taken HTTP/1.1", b"Content-Length: 3", body=b"abc"),
    request(b"POST /taken HTTP/1.1", b"Content-Length: 1", body=b"abcd"),
    request(b"POST /a HTTP/1.1", CHUNKED, body=b"3\r\nabc\r\n0\r\nX: y\r\n\r\n"),
    request(b"POST /taken HTTP/1.1", CHUNKED, body=b"3\r\nabc\r\n0\r\n\r\n"),
    request(b"GET /a HTTP/1.1"),
    request(b"GET /a HTTP/1.0"),
    request(b"POST /a HTTP/1.1", b"Content-Length: 0", b"Expect: 100-continue"),
    request(b"GET /a HTTP/1.1", b"Upgrade: h2c", b"Connection: upgrade"),
    request(
        b"POST /a HTTP/1.1", b"Upgrade: x", b"Connection: Upgrade", b"Content-Length: 2", body=b"zz"
    ),
    b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\0\0",
]
ODD = [
    b"\r\n",
    b"\n",
    b"\0",
    b" ",
    b":",
    b"\r",
    b"\xff",
    b"Content-Length: 5\r\n",
    CHUNKED + b"\r\n",
]


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    said = b"".join(draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4)))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        place = draw(st.integers(0, len(said)))
        left_out = draw(st.integers(0, 5))
        said = said[:place] + draw(st.sampled_from([b"", *ODD])) + said[place + left_out :]
    return said[: draw(st.sampled_from([len(said)] * 4 + [len(said) // 2]))]


@settings(max_examples=100, deadline=None)
@given(conversations(), st.lists(st.integers(1, 300), max_size=6), st.booleans(), st.booleans())
def test_the_same_is_heard_in_whichever_pieces(
    said: bytes, cuts: list[int], is_slow: bool, ends: bool
) -> None:
    whole = asyncio.run(Listener(is_slow=False).hear(said, (), ends=ends))
    assert asyncio.run(Listener(is_slow).hear(said, cuts, ends=ends)) == whole
    assert whole.is_over or not ends
    assert b"500" not in whole.answers
    if whole.is_over:
        assert len(whole.answers) >= len(whole.requests)
