"""What the clock waits for between two looks at heartbeats."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from tocsin.store.clock import PLANNER
from tocsin.store.database import connect
from tocsin.store.statements import statement


@dataclass(frozen=True, slots=True)
class HeartbeatsState:
    """When there is something to look at next, and whether any change waits."""

    next_look: datetime | None
    has_waiting: bool


class HeartbeatNews:
    """A connection. Not to be shared between tasks."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> HeartbeatNews:
        connection = await connect(url)
        await connection.execute(PLANNER)
        await connection.execute("LISTEN tocsin_heartbeats")
        return cls(connection)

    async def close(self) -> None:
        await self._connection.close()

    async def state(self) -> HeartbeatsState:
        async with self._connection.cursor(row_factory=class_row(HeartbeatsState)) as cursor:
            await cursor.execute(statement("heartbeats_state"), prepare=True)
            found = await cursor.fetchone()
        assert found is not None
        return found

    async def wait(self, seconds: float) -> None:
        """Until a change waits, or so many seconds have passed."""
        async for _ in self._connection.notifies(timeout=max(seconds, 0.0), stop_after=1):
            return
