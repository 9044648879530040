"""What keeps a socket from being read."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """Keeps reading paused while something that was read waits, even if uvicorn resumes it."""

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
