"""What the work on bulk actions waits for."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from tocsin.store.clock import PLANNER
from tocsin.store.database import connect
from tocsin.store.statements import statement

CHANNEL: Final = "tocsin_bulk_actions"


class BulkNews:
    """A connection. Not to be shared between tasks."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> BulkNews:
        connection = await connect(url)
        await connection.execute(PLANNER)
        await connection.execute(f"LISTEN {CHANNEL}".encode())
        return cls(connection)

    async def close(self) -> None:
        await self._connection.close()

    async def workspaces(self) -> list[UUID]:
        """Those with something to do."""
        async with self._connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(statement("due_bulk_workspaces"), prepare=True)
            return await cursor.fetchall()

    async def wait(self, seconds: float) -> None:
        """Until somebody asks for more, or so many seconds have passed."""
        async for _ in self._connection.notifies(timeout=max(seconds, 0.0), stop_after=1):
            return
