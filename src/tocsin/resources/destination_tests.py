"""Test sends: one delivery of `alerts.test`, on the same road as a real alert."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tocsin.message import Content, Named, encode
from tocsin.model import EventType, utc_now, uuid7
from tocsin.store.delivery_queue import CHANNEL

INTERVAL_SECONDS = 60
"""One test per destination in this time."""


@dataclass(frozen=True, slots=True)
class TestQueued:
    __test__ = False

    alert_delivery_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DestinationNotFound:
    """No such destination in this workspace: 404."""


@dataclass(frozen=True, slots=True)
class DestinationDisabled:
    """409 `destination-disabled`."""


@dataclass(frozen=True, slots=True)
class TestRateLimited:
    """429 `test-rate-limited`; `retry_after` in whole seconds, at least one."""

    __test__ = False

    retry_after: int


TestOutcome = TestQueued | DestinationNotFound | DestinationDisabled | TestRateLimited


async def create_test(
    connection: AsyncConnection, workspace_id: UUID, destination_id: UUID
) -> TestOutcome:
    """Plan a test, in the caller's transaction (READ COMMITTED); dispatchers wake at its commit.

    The destination's row is locked, so of many requests at once one makes the test and the others
    see it; the time is read after the lock was had, not when the transaction began.
    """
    destination = (
        await connection.execute(_LOCK, {"id": destination_id, "workspace_id": workspace_id})
    ).one_or_none()
    if destination is None:
        return DestinationNotFound()
    if not destination.is_enabled:
        return DestinationDisabled()
    seconds = await connection.scalar(
        _SINCE_LAST, {"id": destination_id, "workspace_id": workspace_id}
    )
    if seconds is not None and seconds < INTERVAL_SECONDS:
        return TestRateLimited(max(1, min(INTERVAL_SECONDS, math.ceil(INTERVAL_SECONDS - seconds))))
    payload = Content(
        event_type=EventType.TEST,
        created_at=utc_now(),
        workspace=Named(workspace_id, destination.workspace_name, destination.slug),
        tenant=None,
        rule=None,
        alert=None,
        actor=None,
    )
    made = (
        await connection.execute(
            _INSERT,
            {
                "delivery_id": uuid7(),
                "workspace_id": workspace_id,
                "id": destination_id,
                "payload": encode(payload).decode(),
                "seconds": INTERVAL_SECONDS,
            },
        )
    ).one()
    await connection.execute(text(f"NOTIFY {CHANNEL}"))
    return TestQueued(made.id, made.created_at)


_LOCK = text(
    """
    SELECT destination.is_enabled, workspace.name AS workspace_name, workspace.slug
    FROM alert_destinations AS destination
    JOIN workspaces AS workspace ON workspace.id = destination.workspace_id
    WHERE destination.id = :id AND destination.workspace_id = :workspace_id
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
           'test', at + make_interval(secs => :seconds), at, at
    FROM (SELECT clock_timestamp() AS at) AS clock
    RETURNING id, created_at
    """
)
