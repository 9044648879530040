"""Deliveries of `alerts.test`: a person tries a destination, or has a contact method verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from tocsin.model import AlertDeliveryStatus, Reason, uuid7
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.delivery_control import wake_dispatchers


@dataclass(frozen=True, slots=True)
class LockedDestination:
    """As it stands, until the transaction ends."""

    is_enabled: bool
    workspace_name: str
    workspace_slug: str


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TrialRow:
    """How the newest trial of a destination stands. `confirmed` False: the service that took it may
    still drop it."""

    id: UUID
    destination_id: UUID
    status: AlertDeliveryStatus
    send_after: datetime | None
    created_at: datetime
    sent_at: datetime | None
    updated_at: datetime
    error_code: str | None
    error_message: str | None
    confirmed: bool


async def lock_destination(
    session: DatabaseSession, workspace_id: UUID, destination_id: UUID
) -> LockedDestination | None:
    """One trial at a time is planned for it. None if the workspace has no such destination."""
    found = await session.execute(_LOCK, {"id": destination_id, "workspace_id": workspace_id})
    row = found.one_or_none()
    return None if row is None else LockedDestination(row.is_enabled, row.name, row.slug)


async def seconds_since_last_trial(
    session: DatabaseSession, workspace_id: UUID, destination_id: UUID
) -> float | None:
    """By the time at this moment, not when the transaction began. None if there was none."""
    seconds: float | None = await session.scalar(
        _SINCE_LAST, {"id": destination_id, "workspace_id": workspace_id}
    )
    return seconds


async def plan_trial(
    session: DatabaseSession,
    workspace_id: UUID,
    destination_id: UUID,
    payload: str,
    seconds: float,
    reason: Reason,
) -> PlannedTrial:
    """Queue one that is given up after so many seconds; dispatchers wake at the commit."""
    parameters = {
        "delivery_id": uuid7(),
        "workspace_id": workspace_id,
        "id": destination_id,
        "payload": payload,
        "seconds": seconds,
        "reason": reason.value,
    }
    row = (await session.execute(_INSERT, parameters)).one()
    await wake_dispatchers(session)
    return PlannedTrial(row.id, row.created_at)


async def newest_trials(
    session: DatabaseSession, workspace_id: UUID, destination_ids: Sequence[UUID]
) -> list[TrialRow]:
    """Of each of these destinations that ever had one: one statement, one index probe each."""
    rows = await session.execute(
        _NEWEST, {"workspace_id": workspace_id, "ids": list(destination_ids)}
    )
    return [
        TrialRow(
            row.id,
            row.alert_destination_id,
            AlertDeliveryStatus(row.status),
            row.send_after,
            row.created_at,
            row.sent_at,
            row.updated_at,
            row.last_error_code,
            row.last_error_message,
            row.confirmed,
        )
        for row in rows
    ]


_LOCK = text(
    """
    SELECT destination.is_enabled, workspace.name, workspace.slug
    FROM alert_destinations AS destination
    JOIN workspaces AS workspace ON workspace.id = destination.workspace_id
    WHERE destination.id = :id AND destination.workspace_id = :workspace_id
      AND destination.deleted_at IS NULL
    FOR NO KEY UPDATE OF destination
    """
)

_SINCE_LAST = text(
    """
    SELECT extract(epoch FROM clock_timestamp() - created_at)::float8
    FROM alert_deliveries
    WHERE workspace_id = :workspace_id AND alert_destination_id = :id
      AND event_type = 'alerts.test'
    ORDER BY created_at DESC LIMIT 1
    """
)

_INSERT = text(
    """
    INSERT INTO alert_deliveries (
        id, workspace_id, alert_destination_id, event_type, status, payload, reason, give_up_at,
        created_at, updated_at)
    SELECT :delivery_id, :workspace_id, :id, 'alerts.test', 'queued', CAST(:payload AS jsonb),
           :reason, at + make_interval(secs => :seconds), at, at
    FROM (SELECT clock_timestamp() AS at) AS clock
    RETURNING id, created_at
    """
)

_NEWEST = text(
    """
    SELECT newest.*, coalesce((detail ->> 'confirmed')::boolean, true) AS confirmed
    FROM unnest(CAST(:ids AS uuid[])) AS asked (id)
    CROSS JOIN LATERAL (
        SELECT d.id, d.alert_destination_id, d.status::text, d.send_after, d.created_at, d.sent_at,
               d.updated_at, d.last_error_code, d.last_error_message, d.detail
        FROM alert_deliveries AS d
        WHERE d.workspace_id = :workspace_id AND d.alert_destination_id = asked.id
          AND d.event_type = 'alerts.test'
        ORDER BY d.created_at DESC, d.id DESC
        LIMIT 1
    ) AS newest
    """
)
