"""uvicorn's HTTP protocol as it is served here: HTTP/1.1 and no other, with bounds.

For `uvicorn --http tocsin.web.protocol:Protocol`. What it does differently:

- `Upgrade` is ignored (RFC 9110, 7.8). uvicorn takes such a request to be the end of HTTP on its
  connection: it starts it without its body, and reads the body as the next request. No other protocol
  is served here, and Java's HttpClient, for one, asks for one with every request.
- A head has a size and a time. uvicorn's parser accepts one of any size for any time, so one client on
  one connection could fill the memory. So it could with what comes after a body in chunks: trailers
  have the size of a head, and are left out. uvicorn takes them for headers.
- What is no request is refused after the answers to those before it. uvicorn refuses it at once, and the
  client takes that for the answer to the first.
- Few requests wait on one connection, and on all of them. uvicorn goes on reading after each answer,
  however many wait already: a client that sends small requests faster than they are answered, or
  never reads an answer, fills the memory. Here what may not wait stays bytes, and no more are read.
- Who ends a connection after a whole request, and still listens, is answered, as scripts that use netcat
  expect. uvicorn hangs up.
- Each answer is one write (`one_write`).
- A request that is here whole, with none before it that waits for its answer, is first offered to
  `state["at_once"]` of the application's lifespan, if there is one. What that takes needs no scope, no
  cycle and no task of ASGI (`taken`); all else begins as it would with uvicorn, when its last byte is
  read instead of its head.
- How long a connection may rest is looked at by one timer, when it is due. One for each answer costs as
  much as reading the request does.

It is one class because each request passes all of it: four classes above each other cost a tenth of
a bare request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tocsin.web.flow import Flow
from tocsin.web.one_write import OneWrite
from tocsin.web.taken import Taken

HEAD_BYTES = 65_536
"""Of request line and headers; Apache and nginx take 8 KiB a line, and few lines."""
HEAD_SECONDS = 20.0

WAITING_LIMIT = 16
"""Requests of one connection behind the one that is being answered."""
ALL_WAITING_LIMIT = 1_024
"""Those of all connections of this process; beyond it each may have one."""

Answer = Callable[[int, bytes, bytes], None]
"""See `Taken.answer`."""

AtOnce = Callable[[bytes, bytes, list[tuple[bytes, bytes]], bytes, Answer], bool]
"""Offered a method, a target as it was sent, headers (names in lower case) and a body; whether it takes
the request, and is going to answer it. It must not raise."""

_HEAD_END = b"\r\n\r\n"

_NO_HOST = "A request of HTTP/1.1 names its host, once."


def _last_answer(status: bytes, text: bytes) -> bytes:
    """To what is no request; the connection ends with it."""
    return (
        b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
        b"connection: close\r\n\r\n%b" % (status, len(text), text)
    )


_INVALID = _last_answer(b"400 Bad Request", b"Invalid HTTP request received.")
_CONNECT = _last_answer(b"400 Bad Request", b"This is no proxy: CONNECT is not known here.")
_TOO_LARGE = _last_answer(
    b"431 Request Header Fields Too Large", b"The request line and headers are too large."
)


class Protocol(HttpToolsProtocol):
    all_waiting: ClassVar[int] = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unread = b""
        self._waiting = 0
        self._hosts = 0
        self._in_head = False
        self._is_overhead = False
        """Of a piece that was read: it brought neither a request nor anything of a body."""
        self._head_bytes = 0
        self._refusal: bytes | None = None
        """The last answer, which waits for those to what was asked before."""
        self._head_timer: asyncio.TimerHandle | None = None
        self._at_once: AtOnce | None = self.app_state.get("at_once")
        self._offered: list[bytes] | None = None
        """The body of a request that is to be offered once it is whole, as far as it is read."""
        self._rests_until = 0.0
        self._has_ended = False
        """The client says nothing more."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, OneWrite(transport, self.loop)))
        self.flow = Flow(self.transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self.pipeline.clear()
        self._recount()
        self._unread = b""
        self._stop_timer()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        cycle: Any = self.cycle
        # An answer that has begun may be a stream, which would go on for nobody.
        is_stuck = getattr(cycle, "more_body", False) or getattr(cycle, "response_started", False)
        self._has_ended = self._is_answering and not is_stuck
        if not self._has_ended:
            # Not without what is written already and leaves at the end of this turn.
            self.transport.close()
        return self._has_ended

    def data_received(self, data: bytes) -> None:
        heads = data.count(_HEAD_END)
        if not self._unread and (heads <= self._room() if self.pipeline else heads <= 1):
            self._read(data)
            return
        is_first = not self._unread
        self._unread += data
        if is_first:
            self._read_on()

    def _read_on(self) -> None:
        """Read as many heads as may wait; what is left keeps the socket from being read."""
        assert isinstance(self.flow, Flow)
        while self._unread and self._refusal is None and not self.transport.is_closing():
            room = self._room()
            if room <= 0:
                self.flow.hold()
                return
            piece = _up_to_head(self._unread, room)
            self._unread = self._unread[len(piece) :]
            self._read(piece)
        self._unread = b""
        if self._refusal is None:
            self.flow.release()

    def _room(self) -> int:
        if Protocol.all_waiting >= ALL_WAITING_LIMIT:
            return 1 - len(self.pipeline)
        return WAITING_LIMIT - len(self.pipeline)

    def _recount(self) -> None:
        waiting = len(self.pipeline)
        Protocol.all_waiting += waiting - self._waiting
        self._waiting = waiting

    def _read(self, data: bytes) -> None:
        """Bytes are counted from a head's first to its last, and between the parts of a body and after
        it; a head that comes in one piece costs nothing."""
        if self._refusal is not None:
            return
        self._is_overhead = True
        self._rests_until = 0.0
        self._parse(data)
        if self.transport.is_closing():
            return
        # What follows a request in the same piece may be a body and the beginning of a head: it
        # counts from the next piece on, each being small.
        if self._is_overhead:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(_TOO_LARGE)
                return
        if self._head_timer is None and (self._in_head or not self._is_answering):
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _parse(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
                if self._offered is not None:
                    # More of it is to come: nobody takes it at once.
                    self._begin(self._offered)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # It has read the head, and would read no further.
                rest = memoryview(rest)[upgrade.args[0] :]
                if self.parser.get_method() == b"CONNECT":
                    self._refuse(_CONNECT)
                    return
                if not self._read_head_again():
                    return
            except (httptools.HttpParserError, UnicodeDecodeError):
                self._refuse(_INVALID)
                return

    def _read_head_again(self) -> bool:
        """Give a new parser the same head without what asked for another protocol; returns whether
        it could."""
        line = (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        head = [b"%b %b HTTP/%b" % line]
        for name, value in self.headers:
            if name == b"connection":
                options = (option.strip() for option in value.split(b","))
                value = b", ".join(option for option in options if option.lower() != b"upgrade")
            if name != b"upgrade":
                head.append(b"%b: %b" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        try:
            self.parser.feed_data(b"\r\n".join((*head, b"", b"")))
        except httptools.HttpParserError:
            self._refuse(_INVALID)
            return False
        return True

    def on_message_begin(self) -> None:
        self._in_head, self._is_overhead, self._head_bytes, self._hosts = True, False, 0, 0
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer: whoever stands in front of us does not look at those (RFC 9110, 6.5.1)
        name = name.lower()
        if name == b"host":
            self._hosts += 1
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        if self.parser.should_upgrade():
            return
        if self._hosts != 1 and (self._hosts or self.parser.get_http_version() != "1.0"):
            # RFC 9112, 3.2.
            served, self.app = self.app, _refusing(_NO_HOST)
            try:
                self._begin()
            finally:
                self.app = served
        elif (
            self._at_once is None
            or self._is_answering
            or self._unread
            or self.expect_100_continue
            or self.flow.write_paused
        ):
            self._begin()
        else:
            self._offered = []
        if self.pipeline:
            self._recount()

    def _begin(self, body: Iterable[bytes] = ()) -> None:
        """As uvicorn begins a request. `body`: what has been read of it already."""
        self._offered = None
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()
        for part in body:
            super().on_body(part)

    def on_body(self, body: bytes) -> None:
        if self._offered is None:
            self._is_overhead, self._head_bytes = False, 0
            super().on_body(body)
        else:
            self._offered.append(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        if self._offered is not None:
            body, self._offered = b"".join(self._offered), None
            if self._is_taken(body):
                return
            self._begin((body,))
        super().on_message_complete()

    def _is_taken(self, body: bytes) -> bool:
        assert self._at_once is not None
        stays = self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0"
        transport, before = cast(OneWrite, self.transport), self.cycle
        taken = Taken(transport, self.server_state, self.on_response_complete, keep_alive=stays)
        self.cycle = cast(Any, taken)
        if self._at_once(self.parser.get_method(), self.url, self.headers, body, taken.answer):
            return True
        self.cycle = before
        return False

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self.flow.resume_reading()
            if self.pipeline:
                self._start_asgi_task(*self.pipeline.pop())
            elif self._refusal is not None:
                self._end(self._refusal)
            else:
                self._rest()
        if self._waiting:
            self._recount()
        if self._unread:
            self._read_on()
        if self._has_ended and not self._is_answering:
            self.transport.close()

    def _rest(self) -> None:
        self._rests_until = self.loop.time() + self.timeout_keep_alive
        if self.timeout_keep_alive_task is None:
            self._look_at(self._rests_until)

    def _look_at(self, due: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_at(due, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._rests_until > self.loop.time():
            # It was asked for something since, and has answered.
            self._look_at(self._rests_until)
        elif self._rests_until and not self.transport.is_closing():
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, answer: bytes) -> None:
        """Give the last answer, in its turn."""
        if self._refusal is not None:
            return
        cycle: Any = self.cycle
        if self._is_answering and getattr(cycle, "more_body", False):
            # It was begun by its head.
            if not self.pipeline:
                self._end(b"" if cycle.response_started else answer)
                return
            self.pipeline.popleft()
        elif not self._is_answering:
            self._end(answer)
            return
        self._refusal = answer
        cast(Flow, self.flow).hold()

    def _end(self, answer: bytes) -> None:
        self.transport.write(answer)
        self.transport.close()

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self._is_answering:
            self.transport.close()

    @property
    def _is_answering(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete


def _refusing(message: str) -> Any:
    """An application that answers 400, and ends the connection, when it is this request's turn."""
    body = message.encode()

    async def refuse(scope: Any, receive: Any, send: Any) -> None:
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": 400, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return refuse


def _up_to_head(data: bytes, heads: int) -> bytes:
    """The beginning of `data` in which at most so many heads end."""
    end = 0
    for _ in range(heads):
        found = data.find(_HEAD_END, end)
        if found < 0:
            return data
        end = found + len(_HEAD_END)
    return data[:end]
