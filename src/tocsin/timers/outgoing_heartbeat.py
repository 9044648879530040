"""Who watches the watchman: a call to another system, made only while this process does its work.

That system raises the alarm when the calls stop. So a call is never made by the passing of time alone:
each part of the work must first do a round, begun for this call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog
from prometheus_client import Counter

log = structlog.get_logger(__name__)

PATIENCE_SECONDS: Final = 30.0
"""For the rounds of all parts together, half an interval at most."""
TRIES: Final = 3
PAUSE_SECONDS: Final = 2.0

CALLS = Counter(
    "tocsin_heartbeat_calls_total",
    "Calls to TOCSIN_HEARTBEAT_URL: made, failed, or withheld because a part made no progress.",
    ["outcome"],
)
for _outcome in ("made", "failed", "withheld"):
    # From 0 on: a series that begins with 1 has not risen, to Prometheus.
    CALLS.labels(_outcome)

Progress = Callable[[float], Awaitable[bool]]
"""Whether a part does a round within so many seconds."""
Call = Callable[[], Awaitable[str | None]]
"""Calls the other system; what went wrong in words, None if nothing did."""


@dataclass(slots=True)
class OutgoingHeartbeat:
    """One per process. `parts`: its work, by name."""

    call: Call
    parts: Mapping[str, Progress]
    interval_seconds: float
    pause_seconds: float = PAUSE_SECONDS
    _said: str = field(default="", init=False)

    async def run(self) -> None:
        """Forever."""
        while True:
            begun = time.monotonic()
            await self.beat()
            await asyncio.sleep(max(0.0, begun + self.interval_seconds - time.monotonic()))

    async def beat(self) -> bool:
        """Call, if all goes on. Whether the other system has heard it."""
        if stuck := await self._stuck():
            CALLS.labels("withheld").inc()
            self._say(f"no progress of {', '.join(stuck)}", "the outgoing heartbeat is withheld")
            return False
        problem: str | None = None
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(self.pause_seconds)
            if (problem := await self.call()) is None:
                CALLS.labels("made").inc()
                self._say("", "the outgoing heartbeat is answered again")
                return True
        CALLS.labels("failed").inc()
        self._say(problem or "", "the outgoing heartbeat is not answered")
        return False

    async def _stuck(self) -> list[str]:
        seconds = min(PATIENCE_SECONDS, self.interval_seconds / 2)
        found = await asyncio.gather(*(self._goes_on(each, seconds) for each in self.parts.items()))
        return [name for name, goes_on in zip(self.parts, found, strict=True) if not goes_on]

    async def _goes_on(self, part: tuple[str, Progress], seconds: float) -> bool:
        name, progress = part
        try:
            async with asyncio.timeout(seconds + 1.0):
                return await progress(seconds)
        except TimeoutError:
            return False
        except Exception as error:
            log.error(
                "cannot check a part for the outgoing heartbeat",
                part=name,
                error=type(error).__name__,
                exc_info=error,
            )
            return False

    def _say(self, trouble: str, event: str) -> None:
        """Once for each change: it may last for days."""
        if trouble == self._said:
            return
        self._said = trouble
        if trouble:
            log.error(event, reason=trouble)
        else:
            log.info(event)
