"""Groups: each is looked at when something joins it and when its time comes, and may send a message.

A look is one transaction: the group is locked, so that nothing joins meanwhile, `group_look` decides
what is to be written, and that is written. Nothing is remembered elsewhere; a node that dies in between
leaves the group as it was, still due.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from tocsin.alerts.directory import DirectoryFeed
from tocsin.model import utc_now
from tocsin.store.described import described
from tocsin.store.failures import CONNECTION_LOST
from tocsin.store.groups import GroupsConnection
from tocsin.store.pipe import BEGIN, COMMIT, PLANNER, ROLLBACK, Call, Pipe
from tocsin.store.reconnecting import Reconnecting
from tocsin.store.statements import prepared
from tocsin.timers.group_look import GroupLook

BATCH = 100
FAULTY_FOR_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 1.0
SHORTEST_WAIT_SECONDS = 0.05
"""Between two rounds, so that what joins one after the other is looked at once."""

_TRIES = 20
_TRY_AGAIN_SECONDS = 0.02

log = structlog.get_logger(__name__)


class Groups:
    """One per leader; it works over connections of its own."""

    def __init__(
        self, url: str, feed: DirectoryFeed, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._url = url
        self._feed = feed
        self._now = now
        self._pipe = Reconnecting(lambda: Pipe.open(url, options=PLANNER), pause_seconds=0)
        self._faulty: dict[UUID, float] = {}

    async def run(self) -> None:
        """Forever; a lost connection is made again."""
        try:
            await Reconnecting(lambda: GroupsConnection.open(self._url)).forever(
                self._keep,
                failed=lambda error: log.error("groups are not looked after", **described(error)),
            )
        finally:
            await self.close()

    async def close(self) -> None:
        await self._pipe.close()

    async def _keep(self, connection: GroupsConnection) -> None:
        while True:
            await self.work(connection, self._now())
            await connection.news(await self._wait(connection))
            await asyncio.sleep(SHORTEST_WAIT_SECONDS)

    async def _wait(self, connection: GroupsConnection) -> float:
        due = await connection.next_due()
        if due is None:
            return LONGEST_WAIT_SECONDS
        return min(LONGEST_WAIT_SECONDS, max((due - self._now()) / timedelta(seconds=1), 0.0))

    async def work(self, connection: GroupsConnection, now: datetime) -> None:
        """Look at all groups that are due.

        Raises:
            psycopg.Error: the database went away; what is not done is still due.
        """
        while due := await connection.due(now, BATCH, self._apart()):
            for group_id in due:
                await self._look(group_id, now)

    async def _look(self, group_id: UUID, now: datetime) -> None:
        try:
            for tries_left in reversed(range(_TRIES)):
                if await self._try(group_id, now, may_leave=tries_left == 0):
                    return
                # Somebody is changing a row at this moment, and may wait for the group's lock.
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
        except CONNECTION_LOST:
            await self._pipe.close()
            raise
        except Exception as error:
            await self._pipe.close()  # and with it the transaction
            self._faulty[group_id] = time.monotonic() + FAULTY_FOR_SECONDS
            log.error("cannot look at a group", group_id=str(group_id), **described(error))

    async def _try(self, group_id: UUID, now: datetime, *, may_leave: bool) -> bool:
        """False: nothing was done, for not all rows could be had; `may_leave` those for later."""
        pipe = await self._pipe.get()
        asked = {"id": group_id.bytes}
        _, _, groups, facts, versions = await pipe.run(
            (BEGIN, {}),
            (prepared("lock_configuration"), {}),
            (prepared("lock_group"), asked),
            (prepared("read_group"), asked),
            (prepared("read_configuration"), {}),
        )
        directory = await self._feed.refresh(versions[0].version)
        calls: list[Call] | None = []
        if groups:
            look = GroupLook(pipe, directory, groups[0], facts[0], now)
            calls = await look.calls(may_leave=may_leave)
        await pipe.run(*(calls or ()), (ROLLBACK if calls is None else COMMIT, {}))
        return calls is not None

    def _apart(self) -> list[UUID]:
        now = time.monotonic()
        self._faulty = {id: until for id, until in self._faulty.items() if until > now}
        return list(self._faulty)
