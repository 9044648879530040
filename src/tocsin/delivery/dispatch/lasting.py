"""A dispatcher that is started again when a fault of our own has ended it: the worst would be a process
that no longer delivers and does not say so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from tocsin.delivery.dispatch.dispatcher import Dispatcher
from tocsin.rounds import is_set_within
from tocsin.store.described import described

PAUSE_SECONDS: Final = 1.0
"""Between an end by a fault and the next beginning: a fault that comes at once must not fill the log."""

log = structlog.get_logger(__name__)


class LastingDispatcher:
    """What was in hand when a dispatcher ended comes to the next when leases end, as after a kill."""

    def __init__(
        self, make: Callable[[], Dispatcher], pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._make = make
        self._pause_seconds = pause_seconds
        self._current = make()
        self._stopped = asyncio.Event()

    async def makes_progress(self, within_seconds: float) -> bool:
        return await self._current.makes_progress(within_seconds)

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is in hand is sent, or given back."""
        self._stopped.set()
        self._current.stop()

    async def run(self) -> None:
        """Until `stop`."""
        while not await self._ends_well():
            if await is_set_within(self._stopped, self._pause_seconds):
                return
            self._current = self._make()

    async def _ends_well(self) -> bool:
        ended_well = True
        try:
            await self._current.run()
        except* Exception as faults:
            ended_well = False
            for fault in faults.exceptions:
                log.error("the dispatcher crashed and is started again", **described(fault))
        return ended_well
