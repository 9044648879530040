"""What a person does to alert deliveries: try again, call off, try again all that failed.

Each is one statement on rows of one workspace, in the caller's transaction; what it changes wakes
the dispatchers at its commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from tocsin.model import AlertDeliveryStatus
from tocsin.store.delivery_queue import CHANNEL


@dataclass(frozen=True, slots=True)
class Requeued:
    """It is queued again, under the same id."""


@dataclass(frozen=True, slots=True)
class Canceled:
    """It will not be sent."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """No such alert delivery in this workspace."""


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """Its state does not admit it: 409. `code` is stable, `message` for people."""

    code: str
    message: str
    status: AlertDeliveryStatus


RetryOutcome = Requeued | NotFound | NotAllowed
CancelOutcome = Canceled | NotFound | NotAllowed


async def retry(
    connection: AsyncConnection, workspace_id: UUID, alert_delivery_id: UUID
) -> RetryOutcome:
    """Queue a failed or canceled delivery again: same id, for a day more. Receivers that had it
    after all can drop it by its id. Tests are not tried again; a new one is as easily made."""
    row = await _lock(connection, workspace_id, alert_delivery_id)
    if row is None:
        return NotFound()
    status = AlertDeliveryStatus(row.status)
    if row.event_type == "alerts.test":
        return NotAllowed("test-delivery", "Send a new test instead of repeating this one.", status)
    if status not in (AlertDeliveryStatus.FAILED, AlertDeliveryStatus.CANCELED):
        return NotAllowed(
            "not-retryable",
            f"Only failed and canceled deliveries can be tried again; this one is {status.value}.",
            status,
        )
    if not row.is_enabled:
        return NotAllowed(
            "destination-disabled",
            "Its destination is disabled or deleted; enable it first.",
            status,
        )
    await connection.execute(_REQUEUE, {"id": alert_delivery_id})
    await connection.execute(text(f"NOTIFY {CHANNEL}"))
    return Requeued()


async def cancel(
    connection: AsyncConnection, workspace_id: UUID, alert_delivery_id: UUID
) -> CancelOutcome:
    """Call off a delivery that is queued or deferred and not under way at this moment."""
    row = await _lock(connection, workspace_id, alert_delivery_id)
    if row is None:
        return NotFound()
    status = AlertDeliveryStatus(row.status)
    if row.event_type == "alerts.test":
        return NotAllowed("test-delivery", "Test deliveries are never canceled.", status)
    if status not in (AlertDeliveryStatus.QUEUED, AlertDeliveryStatus.DEFERRED):
        return NotAllowed(
            "not-cancelable",
            f"Only queued and deferred deliveries can be canceled; this one is {status.value}.",
            status,
        )
    if row.is_under_way:
        return NotAllowed("in-flight", "It is being sent at this moment.", status)
    await connection.execute(_CANCEL, {"id": alert_delivery_id})
    return Canceled()


async def bulk_retry(
    connection: AsyncConnection,
    workspace_id: UUID,
    since: datetime,
    until: datetime,
    destination_id: UUID | None = None,
) -> int:
    """Queue again all that failed from `since` to before `until`, at all destinations that are
    enabled or at one. Returns how many. What is over by now (a trigger whose alert is resolved) is
    told all the same: somebody asked for it."""
    result = await connection.execute(
        _REQUEUE_MANY,
        {
            "first_id": _first_id(since),
            "workspace_id": workspace_id,
            "since": since,
            "until": until,
            "destination_id": destination_id,
        },
    )
    count: int = result.rowcount
    if count:
        await connection.execute(text(f"NOTIFY {CHANNEL}"))
    return count


async def _lock(connection: AsyncConnection, workspace_id: UUID, id: UUID) -> Row[Any] | None:
    found = await connection.execute(_LOCK, {"id": id, "workspace_id": workspace_id})
    return found.one_or_none()


_LOCK = text(
    """
    SELECT d.status::text, d.event_type, coalesce(destination.is_enabled, false) AS is_enabled,
           coalesce(d.lease_expires_at > now(), false) AS is_under_way
    FROM alert_deliveries AS d
    LEFT JOIN alert_destinations AS destination ON destination.id = d.alert_destination_id
    WHERE d.id = :id AND d.workspace_id = :workspace_id
    FOR UPDATE OF d
    """
)

_QUEUED_AGAIN = """
    status = 'queued', send_after = NULL, give_up_at = now() + interval '24 hours',
    reason = coalesce(d.detail ->> 'planned_reason', CASE
        WHEN d.reason IN ('resolved_before_sent', 'destination_disabled', 'canceled_by_user')
        THEN 'rule' ELSE d.reason END),
    detail = d.detail - 'planned_reason',
    leased_by = NULL, lease_expires_at = NULL, updated_at = now()
"""

_REQUEUE = text(f"UPDATE alert_deliveries AS d SET {_QUEUED_AGAIN} WHERE d.id = :id")  # noqa: S608 - ours

_CANCEL = text(
    """
    UPDATE alert_deliveries AS d
    SET status = 'canceled', reason = 'canceled_by_user',
        detail = d.detail || jsonb_build_object('planned_reason', d.reason),
        leased_by = NULL, lease_expires_at = NULL, updated_at = now()
    WHERE d.id = :id
    """
)

_REQUEUE_MANY = text(
    f"""
    UPDATE alert_deliveries AS d
    SET {_QUEUED_AGAIN}
    FROM alert_destinations AS destination
    WHERE d.workspace_id = :workspace_id AND d.id >= :first_id
      AND d.status = 'failed' AND d.event_type <> 'alerts.test'
      AND d.updated_at >= :since AND d.updated_at < :until
      AND destination.id = d.alert_destination_id AND destination.is_enabled
      AND (CAST(:destination_id AS uuid) IS NULL OR d.alert_destination_id = :destination_id)
    """  # noqa: S608 - ours
)


def _first_id(since: datetime) -> UUID:
    """Below every id that can have failed at `since` or later. A delivery fails within a day or
    two of being planned, or of a person's retry; a week is enough, and as a UUIDv7 begins with
    its time, this lets the index on (workspace_id, id) do the search."""
    milliseconds = int((since - timedelta(days=7)).timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)
