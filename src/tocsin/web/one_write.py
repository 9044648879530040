"""An answer leaves in one piece.

uvicorn writes head and body of an answer apart, and uvloop hands each write to the kernel at once:
two system calls where one will do, a tenth of the time of a small answer. Here what is written
within one turn of the event loop leaves together.
"""

from __future__ import annotations

import asyncio
from typing import Any


class OneWrite:
    """A transport that keeps what is written until the end of this turn of the loop."""

    __slots__ = ("_loop", "_parts", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def write_whole(self, data: bytes) -> None:
        """Nothing is to leave together with this: it waits only for what was written before."""
        if self._parts:
            self._parts.append(data)
        elif not self.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            data, self._parts = b"".join(self._parts), []
            if not self.is_closing():
                self._transport.write(data)
