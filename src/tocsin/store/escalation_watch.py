"""Escalations that do not go on although they should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row, tuple_row

from tocsin.store.database import RawConnection, connect
from tocsin.store.statements import statement


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many, and since when the oldest is."""

    count: int
    since: datetime | None


class EscalationWatch:
    """Not to be shared between tasks."""

    def __init__(self, connection: RawConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> EscalationWatch:
        return cls(await connect(url))

    async def close(self) -> None:
        await self._connection.close()

    async def overdue(self, before: datetime) -> Overdue:
        async with self._connection.cursor(row_factory=class_row(Overdue)) as cursor:
            await cursor.execute(statement("overdue_escalations"), {"before": before}, prepare=True)
            found = await cursor.fetchone()
        assert found is not None
        return found

    async def notify_fallback(self, before: datetime, now: datetime, ids: Sequence[UUID]) -> int:
        """Notify the fallback of alerts with one that is overdue, at most one for each of `ids`; how
        many of them nobody had notified it of before."""
        asked = {"before": before, "now": now, "ids": list(ids), "most": len(ids)}
        async with self._connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(statement("notify_overdue"), asked)
            found = await cursor.fetchone()
        assert found is not None
        return int(found[0])
