"""How the alerts of pages stand, asked at the last moment before they are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import tuple_row

from tocsin.model import AlertStatus
from tocsin.store.database import RawConnection, connect
from tocsin.store.statements import statement


@dataclass(frozen=True, slots=True)
class OverPage:
    """A page that is over; `goes_on`: it is about several alerts, of which others are still open."""

    id: UUID
    status: AlertStatus
    goes_on: bool


class PageStandings:
    """Not to be shared between tasks."""

    def __init__(self, connection: RawConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> PageStandings:
        return cls(await connect(url))

    async def close(self) -> None:
        await self._connection.close()

    async def over(self, page_ids: Sequence[UUID]) -> Mapping[UUID, OverPage]:
        """Of these pages, those that are over by now, with how their alert stands."""
        async with self._connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(statement("pages_over"), {"ids": list(page_ids)}, prepare=True)
            return {
                id: OverPage(id, AlertStatus(status), goes_on)
                for id, status, goes_on in await cursor.fetchall()
            }
