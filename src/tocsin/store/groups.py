"""What whoever looks at groups asks the database: which, and when the next one is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from tocsin.store.clock import PLANNER
from tocsin.store.database import connect
from tocsin.store.statements import statement


class GroupsConnection:
    """Not to be shared between tasks."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> GroupsConnection:
        connection = await connect(url)
        await connection.execute(PLANNER)
        await connection.execute("LISTEN tocsin_groups")
        return cls(connection)

    async def close(self) -> None:
        await self._connection.close()

    async def due(self, now: datetime, most: int, apart_from: Sequence[UUID]) -> list[UUID]:
        """Groups to look at, the longest waiting first."""
        async with self._connection.cursor(binary=True, row_factory=scalar_row) as cursor:
            await cursor.execute(
                statement("due_groups"),
                {"now": now, "most": most, "except_ids": list(apart_from)},
                prepare=True,
            )
            return await cursor.fetchall()

    async def next_due(self) -> datetime | None:
        async with self._connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute("SELECT look_at FROM alert_groups ORDER BY look_at LIMIT 1")
            return await cursor.fetchone()

    async def news(self, seconds: float) -> None:
        """Until something joins a group, or so many seconds have passed."""
        async for _ in self._connection.notifies(timeout=max(seconds, 0.0), stop_after=1):
            return
