"""What the one clock asks the database: whether it is ours to keep, and what there is to do.

Leadership is an advisory lock on this connection: it ends with it, whatever happens to the process, and
any other node may take over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row

from tocsin.store.database import connect
from tocsin.store.statements import statement

LEADER_LOCK = 7238539206

# Each look walks the front of one partial index, whatever the statistics say of what is held.
PLANNER = """
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off;
    SET enable_mergejoin = off; SET jit = off; SET plan_cache_mode = force_generic_plan
"""

FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ClockState:
    """The version of the configuration, and when the first thing is to be done that has a time: a hold
    that ends, a timer of an alert, or a step."""

    configuration_version: int
    next_due: datetime | None


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """An alert with something to do, and what to lock it by."""

    id: UUID
    integration_id: UUID
    external_id: str | None


class ClockConnection:
    """Not to be shared between tasks."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> ClockConnection:
        connection = await connect(url)
        await connection.execute(PLANNER)
        await connection.execute("LISTEN tocsin_configuration")
        return cls(connection)

    async def close(self) -> None:
        await self._connection.close()

    async def lead(self) -> bool:
        """Whether the clock is ours to keep, as long as this connection lasts."""
        async with self._connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
            return bool(await cursor.fetchone())

    async def state(self) -> ClockState:
        async with self._connection.cursor(row_factory=class_row(ClockState)) as cursor:
            await cursor.execute(statement("clock_state"), prepare=True)
            found = await cursor.fetchone()
        assert found is not None
        return found

    async def due(
        self,
        now: datetime,
        most: int,
        apart_from: Sequence[UUID],
        other_than: Sequence[UUID] = (),
    ) -> list[HeldAlert]:
        """Alerts with messages whose holds are over; `most` bounds the messages looked through.
        None of the alerts `apart_from`, and none of the workspaces `other_than`."""
        return await self._due("due_holds", now, most, apart_from, other_than)

    async def held(self, workspaces: Sequence[UUID], after: UUID, most: int) -> list[HeldAlert]:
        """Alerts of these workspaces with anything held, in the order of their ids."""
        return await self._held(
            "held_alerts", {"workspace_ids": list(workspaces), "after": after, "most": most}
        )

    async def due_timers(
        self,
        now: datetime,
        most: int,
        apart_from: Sequence[UUID] = (),
        other_than: Sequence[UUID] = (),
    ) -> list[HeldAlert]:
        """Alerts with a timer that is due, as `due` has those with messages."""
        return await self._due("due_timers", now, most, apart_from, other_than)

    async def due_escalations(
        self,
        now: datetime,
        most: int,
        apart_from: Sequence[UUID] = (),
        other_than: Sequence[UUID] = (),
    ) -> list[HeldAlert]:
        """Alerts with an escalation or a page that is due, as `due` has those with messages."""
        return await self._due("due_escalations", now, most, apart_from, other_than)

    async def unsettled_escalations(self, workspaces: Sequence[UUID]) -> list[HeldAlert]:
        """Alerts of these workspaces to look at, since what holds escalations, or whom they reach, has
        changed."""
        return await self._held("unsettled_escalations", {"workspace_ids": list(workspaces)})

    async def hasten_flapping(self, integrations: Sequence[UUID], now: datetime) -> None:
        """Have every alert of these that flaps looked at now."""
        await self._connection.execute(
            statement("hasten_flapping"), {"integration_ids": list(integrations), "now": now}
        )

    async def live_alerts(self, integrations: Sequence[UUID]) -> list[HeldAlert]:
        """All live alerts that came by these."""
        return await self._held("live_alerts", {"integration_ids": list(integrations)})

    async def _due(
        self,
        name: str,
        now: datetime,
        most: int,
        apart_from: Sequence[UUID],
        other_than: Sequence[UUID],
    ) -> list[HeldAlert]:
        asked = {"now": now, "most": most}
        others = {"except_ids": list(apart_from), "except_workspaces": list(other_than)}
        return await self._held(name, {**asked, **others})

    async def _held(self, name: str, parameters: dict[str, Any]) -> list[HeldAlert]:
        async with self._connection.cursor(binary=True, row_factory=class_row(HeldAlert)) as cursor:
            await cursor.execute(statement(name), parameters, prepare=True)
            return await cursor.fetchall()

    async def due_inhibition(self, now: datetime, most: int) -> list[UUID]:
        """Keys of inhibition whose targets are to be looked at."""
        async with self._connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(
                statement("due_inhibition"), {"now": now, "most": most}, prepare=True
            )
            return await cursor.fetchall()

    async def inhibition_targets(self, key: UUID, after: UUID, most: int) -> list[HeldAlert]:
        """Targets of a key with anything held, in the order of their ids."""
        return await self._held("inhibition_targets_of", {"key": key, "after": after, "most": most})

    async def settle_inhibition(self, key: UUID, now: datetime) -> None:
        """The targets of the key have been looked at, by what was due at `now`."""
        async with self._connection.transaction():
            # Alone, for the reason that `lock_inhibition.sql` gives: whoever changes these rows has it.
            lock = int.from_bytes(key.bytes[:8], signed=True)
            await self._connection.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
            await self._connection.execute(
                statement("settle_inhibition"), {"key": key, "now": now}, prepare=True
            )

    async def news(self, seconds: float) -> None:
        """Until the configuration changes, or so many seconds have passed."""
        async for _ in self._connection.notifies(timeout=max(seconds, 0.0), stop_after=1):
            return
