"""Bounds on the requests that wait on one connection, and on all of them.

uvicorn goes on reading after each answer, however many requests wait already: a client that sends
small requests faster than they are answered, or never reads an answer, fills the memory. Here
what cannot wait in the queue stays bytes, and no more bytes are read.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.http.flow_control import FlowControl

from tocsin.web.request_head import BoundedHead

WAITING_LIMIT = 16
"""Requests of one connection behind the one that is being answered."""
ALL_WAITING_LIMIT = 1_024
"""Those of all connections of this process; beyond it each may have one."""

_HEAD_END = b"\r\n\r\n"


class BoundedPipeline(BoundedHead):
    all_waiting: ClassVar[int] = 0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unread = b""
        self._waiting = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.pipeline.clear()
        self._recount()
        self._unread = b""
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        heads = data.count(_HEAD_END)
        if not self._unread and (heads <= self._room() if self.pipeline else heads <= 1):
            super().data_received(data)
            return
        is_first = not self._unread
        self._unread += data
        if is_first:
            self._read_on()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self.pipeline:
            self._recount()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._waiting:
            self._recount()
        if self._unread:
            self._read_on()

    def _read_on(self) -> None:
        """Read as many heads as may wait; what is left keeps the socket from being read."""
        assert isinstance(self.flow, _Flow)
        while self._unread and not self.transport.is_closing():
            room = self._room()
            if room <= 0:
                self.flow.hold()
                return
            piece = _up_to_head(self._unread, room)
            self._unread = self._unread[len(piece) :]
            super().data_received(piece)
        self._unread = b""
        self.flow.release()

    def _recount(self) -> None:
        waiting = len(self.pipeline)
        BoundedPipeline.all_waiting += waiting - self._waiting
        self._waiting = waiting

    def _room(self) -> int:
        if BoundedPipeline.all_waiting >= ALL_WAITING_LIMIT:
            return 1 - len(self.pipeline)
        return WAITING_LIMIT - len(self.pipeline)


class _Flow(FlowControl):
    """Keeps reading paused while something here is unread, even if uvicorn resumes it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(transport)
        self._is_holding = False

    def hold(self) -> None:
        self._is_holding = True
        self.pause_reading()

    def release(self) -> None:
        if self._is_holding:
            self._is_holding = False
            self.resume_reading()

    def resume_reading(self) -> None:
        if not self._is_holding:
            super().resume_reading()


def _up_to_head(data: bytes, heads: int) -> bytes:
    """The beginning of `data` in which at most so many heads end."""
    end = 0
    for _ in range(heads):
        found = data.find(_HEAD_END, end)
        if found < 0:
            return data
        end = found + len(_HEAD_END)
    return data[:end]
