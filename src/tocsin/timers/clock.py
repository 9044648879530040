"""The one clock: what time starts, on one node of them all.

Every process runs one of these. Whoever holds the database's lock leads; when it goes, by whatever
death, the lock is free and the next one takes over within seconds. All that is to be done stands in the
database, so a restart at any moment loses nothing and repeats nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from tocsin.alerts.directory import DirectoryFeed
from tocsin.model import utc_now
from tocsin.rounds import Rounds
from tocsin.store.clock import ClockConnection
from tocsin.store.described import described
from tocsin.store.reconnecting import Reconnecting
from tocsin.timers.alert_timers import ElapsedTimers
from tocsin.timers.escalations import DueEscalations
from tocsin.timers.holds import HoldEnds

CANDIDATE_SECONDS = 2.0
"""So often does a node that does not lead ask whether nobody does."""

LONGEST_WAIT_SECONDS = 1.0
"""So late at most is a hold noticed that began after the last look at what is due."""

SHORTEST_WAIT_SECONDS = 0.05

log = structlog.get_logger(__name__)


class Clock:
    """`now` is the time that holds go by; `beside` is what else only the leader does, forever."""

    def __init__(
        self,
        url: str,
        feed: DirectoryFeed,
        *,
        beside: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._url = url
        self._feed = feed
        self._beside = beside
        self._now = now
        self._rounds = Rounds()
        self._leads = False

    async def makes_progress(self, within_seconds: float) -> bool:
        """Whether it goes on, if it is kept here."""
        return not self._leads or await self._rounds.another(within_seconds)

    async def run(self) -> None:
        """Forever; a lost connection, and with it the lead, is made again."""
        await Reconnecting(lambda: ClockConnection.open(self._url)).forever(
            self._keep, failed=lambda error: log.error("the clock stopped", **described(error))
        )

    async def _keep(self, connection: ClockConnection) -> None:
        while not await connection.lead():
            await connection.news(CANDIDATE_SECONDS)
        self._leads = True
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_time(connection))
                for work in self._beside:
                    group.create_task(work())
        except ExceptionGroup as group_of_errors:
            raise group_of_errors.exceptions[0] from None
        finally:
            self._leads = False

    async def _keep_time(self, connection: ClockConnection) -> None:
        ends = HoldEnds(self._url, self._feed)
        timers = ElapsedTimers(self._url, self._feed)
        escalations = DueEscalations(self._url, self._feed)
        try:
            while True:
                version = (await connection.state()).configuration_version
                more_held = await ends.work(connection, version, self._now())
                more_set = await timers.work(connection, version, self._now())
                more_due = await escalations.work(connection, version, self._now())
                self._rounds.done()
                has_more = more_held or more_set or more_due
                await connection.news(0.0 if has_more else await self._wait(connection))
        finally:
            await ends.close()
            await timers.close()
            await escalations.close()

    async def _wait(self, connection: ClockConnection) -> float:
        due = (await connection.state()).next_due
        if due is None:
            return LONGEST_WAIT_SECONDS
        seconds = (due - self._now()) / timedelta(seconds=1)
        return min(LONGEST_WAIT_SECONDS, max(seconds, SHORTEST_WAIT_SECONDS))
