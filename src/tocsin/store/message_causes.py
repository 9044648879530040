"""Which webhooks messages are about, asked by whoever traces their attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg.rows import class_row

from tocsin.store.database import RawConnection, connect
from tocsin.store.statements import statement


@dataclass(frozen=True, slots=True)
class MessageCause:
    """The webhook that a message (`id`) is about, and what its sender said of its trace."""

    id: UUID
    webhook_delivery_id: UUID
    traceparent: str | None
    tracestate: str | None

    @property
    def headers(self) -> Mapping[str, str]:
        said = {"traceparent": self.traceparent, "tracestate": self.tracestate}
        return {name: value for name, value in said.items() if value is not None}


class MessageCauses:
    """Not to be shared between tasks."""

    def __init__(self, connection: RawConnection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> MessageCauses:
        return cls(await connect(url))

    async def close(self) -> None:
        await self._connection.close()

    async def of(self, message_ids: Sequence[UUID]) -> Mapping[UUID, MessageCause]:
        """By message; without those that no webhook caused, or one that is no longer on record."""
        async with self._connection.cursor(row_factory=class_row(MessageCause)) as cursor:
            await cursor.execute(statement("read_causes"), {"ids": list(message_ids)}, prepare=True)
            return {cause.id: cause for cause in await cursor.fetchall()}
