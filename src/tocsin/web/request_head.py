"""Bounds on what comes before a body: uvicorn's parser accepts a head of any size for any time, so
one client on one connection could fill the memory."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tocsin.web.plain_http import PlainHttp

HEAD_BYTES = 65_536
"""Of request line and headers; Apache and nginx take 8 KiB a line, and few lines."""
HEAD_SECONDS = 20.0

_TOO_LARGE = b"The request line and headers are too large."
_ANSWER = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
) % (len(_TOO_LARGE), _TOO_LARGE)


class BoundedHead(PlainHttp):
    """Counts bytes from a head's first to its last; a head that comes in one piece costs nothing."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head = False
        self._has_begun = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._has_begun = False
        super().data_received(data)
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

    def on_message_begin(self) -> None:
        self._in_head, self._has_begun, self._head_bytes = True, True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_much(self) -> None:
        if not self._is_answering:
            self.transport.write(_ANSWER)
        self.transport.close()

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self._is_answering:
            self.transport.close()

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete
