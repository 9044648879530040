"""Alert deliveries that a person queues again or calls off. What these change wakes the dispatchers
when the transaction commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import CursorResult, text

from tocsin.model import AlertDeliveryStatus, EventType
from tocsin.store.database import DatabaseSession
from tocsin.store.delivery_news import CHANNEL


@dataclass(frozen=True, slots=True)
class LockedDelivery:
    """How it stands, until the transaction ends. `is_enabled` says whether its destination is there
    and switched on, `is_under_way` whether it is being sent at this moment, `is_carried` whether another
    message says it."""

    status: AlertDeliveryStatus
    event_type: EventType
    is_enabled: bool
    is_under_way: bool
    is_carried: bool


async def lock_delivery(
    session: DatabaseSession, workspace_id: UUID, delivery_id: UUID
) -> LockedDelivery | None:
    """None if the workspace has no such delivery."""
    found = await session.execute(_LOCK, {"id": delivery_id, "workspace_id": workspace_id})
    row = found.one_or_none()
    if row is None:
        return None
    return LockedDelivery(
        AlertDeliveryStatus(row.status),
        EventType(row.event_type),
        row.is_enabled,
        row.is_under_way,
        row.is_carried,
    )


async def queue_again(session: DatabaseSession, delivery_id: UUID) -> None:
    """For a day more, under the same id."""
    await session.execute(_QUEUE_AGAIN, {"id": delivery_id})
    await wake_dispatchers(session)


async def call_off(session: DatabaseSession, delivery_id: UUID) -> None:
    """And with a message about several alerts what it carries."""
    await session.execute(_CALL_OFF, {"id": delivery_id})


async def queue_failed_again(
    session: DatabaseSession,
    workspace_id: UUID,
    since: datetime,
    until: datetime,
    destination_id: UUID | None,
    most: int | None,
) -> int:
    """All that failed from `since` to before `until`, at every destination that is switched on or at
    one; with `most` only so many, the oldest. Returns how many they are."""
    result = await session.execute(
        _QUEUE_FAILED_AGAIN,
        {
            "first_id": _first_id(since),
            "workspace_id": workspace_id,
            "since": since,
            "until": until,
            "destination_id": destination_id,
            "most": most,
        },
    )
    assert isinstance(result, CursorResult)
    if result.rowcount:
        await wake_dispatchers(session)
    return result.rowcount


async def wake_dispatchers(session: DatabaseSession) -> None:
    """Once the transaction commits."""
    await session.execute(text(f"NOTIFY {CHANNEL}"))


_LOCK = text(
    """
    SELECT d.status::text, d.event_type, coalesce(destination.is_enabled, false) AS is_enabled,
           coalesce(d.lease_expires_at > now(), false) AS is_under_way,
           d.carried_by IS NOT NULL AS is_carried
    FROM alert_deliveries AS d
    LEFT JOIN alert_destinations AS destination ON destination.id = d.alert_destination_id
    WHERE d.id = :id AND d.workspace_id = :workspace_id
    FOR UPDATE OF d
    """
)

_QUEUED_AGAIN = """
    status = 'queued', send_after = NULL, give_up_at = now() + interval '24 hours',
    reason = coalesce(d.detail ->> 'planned_reason', CASE
        WHEN d.reason = 'bundled' THEN 'escalation'
        WHEN d.reason IN ('resolved_before_sent', 'acknowledged_before_sent',
                          'destination_disabled', 'canceled_by_user', 'grouped', 'rate_limited')
        THEN 'rule' ELSE d.reason END),
    detail = d.detail - 'planned_reason', carried_by = NULL,
    group_id = CASE WHEN d.alert_id IS NULL THEN d.group_id END,
    leased_by = NULL, lease_expires_at = NULL, updated_at = now()
"""

_QUEUE_AGAIN = text(f"UPDATE alert_deliveries AS d SET {_QUEUED_AGAIN} WHERE d.id = :id")  # noqa: S608 - ours

_CALL_OFF = text(
    """
    UPDATE alert_deliveries AS d
    SET status = 'canceled', reason = 'canceled_by_user',
        group_id = CASE WHEN d.alert_id IS NULL OR d.carried_by IS NOT NULL THEN d.group_id END,
        detail = d.detail || jsonb_build_object('planned_reason', d.reason),
        leased_by = NULL, lease_expires_at = NULL, updated_at = now()
    WHERE d.id = :id OR d.carried_by = :id AND d.status = 'deferred'
    """
)

# Asked once more of the row itself: another request may have queued it meanwhile.
_QUEUE_FAILED_AGAIN = text(
    f"""
    UPDATE alert_deliveries AS d
    SET {_QUEUED_AGAIN}
    FROM (
        SELECT failed.id
        FROM alert_deliveries AS failed
        JOIN alert_destinations AS destination ON destination.id = failed.alert_destination_id
        WHERE failed.workspace_id = :workspace_id AND failed.id >= :first_id
          AND failed.status = 'failed' AND failed.event_type <> 'alerts.test'
          AND failed.carried_by IS NULL
          AND failed.updated_at >= :since AND failed.updated_at < :until
          AND destination.is_enabled
          AND (CAST(:destination_id AS uuid) IS NULL
               OR failed.alert_destination_id = :destination_id)
        ORDER BY failed.id
        LIMIT CAST(:most AS bigint)
    ) AS chosen
    WHERE d.id = chosen.id AND d.status = 'failed'
    """  # noqa: S608 - ours
)


def _first_id(since: datetime) -> UUID:
    """Below every id that can have failed at `since` or later. A delivery fails within a day or
    two of being planned, or of a person's retry; a week is enough, and as a UUIDv7 begins with
    its time, this lets the index on (workspace_id, id) do the search."""
    milliseconds = int((since - timedelta(days=7)).timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)
