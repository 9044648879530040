"""uvicorn's HTTP protocol as it is served here: HTTP/1.1 and no other, with bounds.

For `uvicorn --http tocsin.web.protocol:Protocol`. What it does differently:

- `Upgrade` is ignored (RFC 9110, 7.8). uvicorn takes such a request to be the end of HTTP on its
  connection: it starts it without its body, and reads the body as the next request. No other protocol
  is served here, and Java's HttpClient, for one, asks for one with every request.
- A head has a size and a time. uvicorn's parser accepts one of any size for any time, so one client on
  one connection could fill the memory.
- Few requests wait on one connection, and on all of them. uvicorn goes on reading after each answer,
  however many wait already: a client that sends small requests faster than they are answered, or
  never reads an answer, fills the memory. Here what may not wait stays bytes, and no more are read.
- Each answer is one write (`one_write`).
- A request that is here whole is first offered to `state["at_once"]` of the application's lifespan,
  if there is one: what it takes needs no task and none of ASGI's messages.

It is one class because each request passes all of it: four classes above each other cost a tenth of
a bare request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar, cast

import httptools
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from tocsin.web.flow import Flow
from tocsin.web.one_write import OneWrite

HEAD_BYTES = 65_536
"""Of request line and headers; Apache and nginx take 8 KiB a line, and few lines."""
HEAD_SECONDS = 20.0

WAITING_LIMIT = 16
"""Requests of one connection behind the one that is being answered."""
ALL_WAITING_LIMIT = 1_024
"""Those of all connections of this process; beyond it each may have one."""

Answer = Callable[[int, Iterable[tuple[bytes, bytes]], bytes], None]
"""To be called once, with a status, headers (of them the length) and a body."""

AtOnce = Callable[[Any, bytes, Answer], bool]
"""Offered a scope and a body; whether it takes the request, and is going to answer it."""

_HEAD_END = b"\r\n\r\n"

_INVALID = "Invalid HTTP request received."
_NO_HOST = "A request of HTTP/1.1 names its host, once."
_CONNECT = "This is no proxy: CONNECT is not known here."
_TOO_LARGE = b"The request line and headers are too large."
_TOO_LARGE_ANSWER = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
) % (len(_TOO_LARGE), _TOO_LARGE)


class Protocol(HttpToolsProtocol):
    all_waiting: ClassVar[int] = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unread = b""
        self._waiting = 0
        self._hosts = 0
        self._in_head = False
        self._has_begun = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._at_once: AtOnce | None = self.app_state.get("at_once")
        self._is_reading = False
        self._begun: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, OneWrite(transport, self.loop)))
        self.flow = Flow(self.transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self.pipeline.clear()
        self._recount()
        self._unread = b""
        self._stop_timer()
        super().connection_lost(exc)

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
        while self._unread and not self.transport.is_closing():
            room = self._room()
            if room <= 0:
                self.flow.hold()
                return
            piece = _up_to_head(self._unread, room)
            self._unread = self._unread[len(piece) :]
            self._read(piece)
        self._unread = b""
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
        """Bytes are counted from a head's first to its last; a head that comes in one piece costs
        nothing."""
        self._has_begun = False
        self._unset_keepalive_if_required()
        self._is_reading = True
        self._parse(data)
        self._is_reading = False
        if self._begun is not None:
            begun, self._begun = self._begun, None
            self._begin(begun, self.app)
        if (not self._in_head and self._is_answering) or self.transport.is_closing():
            return
        # What follows a request in the same piece may be a body and the beginning of a head: it
        # counts from the next piece on, each being small.
        if self._in_head and not self._has_begun:
            self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._too_much()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _parse(self, data: bytes) -> None:
        rest: bytes | memoryview = data
        while True:
            try:
                self.parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # It has read the head, and would read no further.
                rest = memoryview(rest)[upgrade.args[0] :]
                if self.parser.get_method() == b"CONNECT":
                    self.send_400_response(_CONNECT)
                    return
                if not self._read_head_again():
                    return
            except httptools.HttpParserError:
                self.send_400_response(_INVALID)
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
            self.send_400_response(_INVALID)
            return False
        return True

    def on_message_begin(self) -> None:
        self._in_head, self._has_begun, self._head_bytes, self._hosts = True, True, 0, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
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
        if self._hosts == 1 or (self._hosts == 0 and self.parser.get_http_version() == "1.0"):
            super().on_headers_complete()
        else:
            # RFC 9112, 3.2.
            served, self.app = self.app, _refusing(_NO_HOST)
            try:
                super().on_headers_complete()
            finally:
                self.app = served
        if self.pipeline:
            self._recount()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._at_once is None or app is not self.config.loaded_app:
            super()._start_asgi_task(cycle, app)
        elif self._is_reading:
            # Its body comes in the same piece, most likely.
            self._begun = cycle
        else:
            self._begin(cycle, app)

    def _begin(self, cycle: RequestResponseCycle, app: Any) -> None:
        if (
            cycle.more_body
            or cycle.waiting_for_100_continue
            or self.flow.write_paused
            or self._at_once is None
            or not self._at_once(cycle.scope, bytes(cycle.body), partial(self._answer, cycle))
        ):
            super()._start_asgi_task(cycle, app)

    def _answer(
        self,
        cycle: RequestResponseCycle,
        status: int,
        headers: Iterable[tuple[bytes, bytes]],
        body: bytes,
    ) -> None:
        """What `cycle.send` does in two steps, for who was offered a request at once."""
        if cycle.disconnected:
            return
        parts = [STATUS_LINE[status]]
        for name, value in (*cycle.default_headers, *headers):
            parts += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", body)
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join(parts))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._waiting:
            self._recount()
        if self._unread:
            self._read_on()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_much(self) -> None:
        if not self._is_answering:
            self.transport.write(_TOO_LARGE_ANSWER)
        self.transport.close()

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self._is_answering:
            self.transport.close()

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
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
