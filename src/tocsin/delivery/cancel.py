"""Taking back what nobody has been told: the trigger of an alert that is over before it was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection

from tocsin.store.statements import statement


@dataclass(frozen=True, slots=True)
class Unsent:
    """The trigger of this alert was never attempted at this destination and is canceled now; what
    waited behind it is, too. Plan the resolve as canceled, `resolved_before_sent`."""

    alert_id: UUID
    alert_destination_id: UUID
    alert_delivery_id: UUID
    """The canceled trigger's."""


async def cancel_before_sent(
    connection: AsyncConnection[Any], alert_ids: Sequence[UUID]
) -> list[Unsent]:
    """For alerts that resolve or close, in that very transaction, with their locks held, before
    their messages are planned. Never waits for a dispatcher, and no dispatcher overlooks it
    (`cancel_unsent.sql` says why)."""
    if not alert_ids:
        return []
    cursor = await connection.execute(
        statement("cancel_unsent"), {"alerts": list(alert_ids)}, prepare=True
    )
    return [Unsent(row[0], row[1], row[2]) for row in await cursor.fetchall()]
