"""Messages that ring until somebody acknowledges, and whose alerts are no longer open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from tocsin.store.database import RawConnection

# By the partial index of what rings. A row is locked while it is called off, so that two dispatchers
# do not both do it; whoever dies over it leaves it to the next.
_TO_CALL_OFF = """
SELECT d.id, d.progress, destination.id AS destination_id, destination.name, destination.type,
       destination.config, destination.secret_config
FROM alert_deliveries AS d
JOIN alert_destinations AS destination ON destination.id = d.alert_destination_id
WHERE d.progress ? 'ringing'
  AND d.created_at > now() - make_interval(secs => %(seconds)s)
  AND NOT EXISTS (
      SELECT FROM alerts AS alert
      WHERE alert.status = 'OPEN'
        AND alert.id = ANY (
            SELECT d.alert_id UNION ALL
            SELECT listed.alert_id FROM alert_delivery_alerts AS listed
            WHERE listed.alert_delivery_id = d.id))
ORDER BY d.created_at
LIMIT %(most)s
FOR UPDATE OF d SKIP LOCKED
"""
_CALLED_OFF = """
UPDATE alert_deliveries SET progress = progress - 'ringing', updated_at = now()
WHERE id = ANY (%(ids)s)
"""


@dataclass(frozen=True, slots=True)
class RingingMessage:
    id: UUID
    progress: Mapping[str, Any]
    destination_id: UUID
    name: str
    type: str
    config: dict[str, Any]
    secret_config: bytes | None


async def lock_to_call_off(
    connection: RawConnection, seconds: float, most: int
) -> list[RingingMessage]:
    """Those of the last so many seconds, locked until the transaction ends."""
    async with connection.cursor(row_factory=class_row(RingingMessage)) as cursor:
        await cursor.execute(_TO_CALL_OFF, {"seconds": seconds, "most": most})
        return await cursor.fetchall()


async def note_called_off(connection: RawConnection, ids: Sequence[UUID]) -> None:
    await connection.execute(_CALLED_OFF, {"ids": list(ids)})
