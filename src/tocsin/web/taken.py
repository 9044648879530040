"""A request that was taken at once, and its answer.

It stands where uvicorn's protocol keeps the cycle of a request, and has what the protocol asks of one: a
pipelined request waits behind it, a shutdown waits for it, and it is told when its connection is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from tocsin.web.one_write import OneWrite


class Taken:
    __slots__ = (
        "_done",
        "_server_state",
        "_transport",
        "disconnected",
        "keep_alive",
        "response_complete",
    )

    message_event: ClassVar = asyncio.Event()
    """Nobody waits for it."""
    _usual: ClassVar[tuple[Any, bytes]] = (None, b"")
    """The headers of every answer, and the lines of them."""

    def __init__(
        self,
        transport: OneWrite,
        server_state: ServerState,
        done: Callable[[], None],
        *,
        keep_alive: bool,
    ) -> None:
        """`done` is called after the answer."""
        self._transport = transport
        self._server_state = server_state
        self._done = done
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False

    def answer(self, status: int, lines: bytes, body: bytes) -> None:
        """To be called once, with a status, header lines (each with its end, none of them the length)
        and a body."""
        if self.disconnected:
            return
        self.response_complete = True
        length = b"content-length: %d\r\n" % len(body)
        end = b"\r\n" if self.keep_alive else b"connection: close\r\n\r\n"
        parts = STATUS_LINE[status], self._usual_lines(), length, lines, end, body
        self._transport.write_whole(b"".join(parts))
        if not self.keep_alive:
            self._transport.close()
        self._done()

    def _usual_lines(self) -> bytes:
        """uvicorn makes these headers again once a second."""
        headers, lines = Taken._usual
        if headers is not self._server_state.default_headers:
            headers = self._server_state.default_headers
            lines = b"".join([b"%b: %b\r\n" % each for each in headers])
            Taken._usual = headers, lines
        return lines
