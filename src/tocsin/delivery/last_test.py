"""A destination's last test status: derived from its newest test delivery, never stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tocsin.model import optional_iso


class TestStatus(StrEnum):
    __test__ = False

    NEVER = "Never"
    PENDING = "Pending"
    SENT = "Sent"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class LastTest:
    """`at` for Sent: when it was sent; Failed: when it failed; Pending: when it is due, else when
    it was asked for. `confirmed` False: the service took it and may still drop it (Teams), so a
    person should look whether it was posted; None while nothing was sent."""

    status: TestStatus
    at: datetime | None = None
    alert_delivery_id: UUID | None = None
    error_code: str | None = None
    error_message: str | None = None
    confirmed: bool | None = None

    def document(self) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "at": optional_iso(self.at),
            "alert_delivery_id": None
            if self.alert_delivery_id is None
            else str(self.alert_delivery_id),
            "error_code": self.error_code,
            "error_message": self.error_message,
            "confirmed": self.confirmed,
        }


NEVER = LastTest(TestStatus.NEVER)


async def last_tests(
    connection: AsyncConnection, workspace_id: UUID, destination_ids: Sequence[UUID]
) -> Mapping[UUID, LastTest]:
    """The last test of each of these destinations, in one statement and one index probe each."""
    found = dict.fromkeys(destination_ids, NEVER)
    if found:
        rows = await connection.execute(_NEWEST, {"workspace_id": workspace_id, "ids": list(found)})
        for row in rows:
            status = TestStatus(row.last_status)
            found[row.alert_destination_id] = LastTest(
                status,
                row.at,
                row.id,
                row.last_error_code,
                row.last_error_message,
                row.confirmed if status is TestStatus.SENT else None,
            )
    return found


_NEWEST = text(
    """
    SELECT newest.*,
           CASE WHEN status IN ('queued', 'deferred') THEN 'Pending'
                WHEN status = 'sent' THEN 'Sent'
                ELSE 'Failed' END AS last_status,
           CASE WHEN status IN ('queued', 'deferred') THEN coalesce(send_after, created_at)
                WHEN status = 'sent' THEN sent_at
                ELSE updated_at END AS at,
           coalesce((detail ->> 'confirmed')::boolean, true) AS confirmed
    FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    CROSS JOIN LATERAL (
        SELECT d.id, d.alert_destination_id, d.status, d.send_after, d.created_at, d.sent_at,
               d.updated_at, d.last_error_code, d.last_error_message, d.detail
        FROM alert_deliveries AS d
        WHERE d.workspace_id = :workspace_id AND d.alert_destination_id = asked.id
          AND d.event_type = 'alerts.test'
        ORDER BY d.created_at DESC, d.id DESC
        LIMIT 1
    ) AS newest
    """
)
