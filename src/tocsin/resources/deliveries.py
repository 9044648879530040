"""What a person does to alert deliveries: retry, cancel, retry all that failed.

Each is one statement on rows of one workspace, in the caller's transaction; what it changes wakes
the dispatchers at its commit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.model import AlertDeliveryStatus, EventType
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.delivery_control import (
    call_off,
    lock_delivery,
    queue_again,
    queue_failed_again,
)


@dataclass(frozen=True, slots=True)
class Requeued:
    """It is queued again, under the same id."""


@dataclass(frozen=True, slots=True)
class Canceled:
    """It will not be sent."""


@dataclass(frozen=True, slots=True)
class NoSuchDelivery:
    """No such alert delivery in this workspace."""


@dataclass(frozen=True, slots=True)
class StateRefuses:
    """Its state does not admit it: 409. `code` is stable, `message` for people."""

    code: str
    message: str
    status: AlertDeliveryStatus


RetryOutcome = Requeued | NoSuchDelivery | StateRefuses
CancelOutcome = Canceled | NoSuchDelivery | StateRefuses


async def retry(
    session: DatabaseSession, workspace_id: UUID, alert_delivery_id: UUID
) -> RetryOutcome:
    """Queue a failed or canceled delivery again: same id, for a day more. Receivers that had it
    after all can drop it by its id. Tests are not tried again; a new one is as easily made."""
    row = await lock_delivery(session, workspace_id, alert_delivery_id)
    if row is None:
        return NoSuchDelivery()
    status = row.status
    if row.event_type is EventType.TEST:
        return StateRefuses(
            "test-delivery", "Send a new test instead of repeating this one.", status
        )
    if status not in (AlertDeliveryStatus.FAILED, AlertDeliveryStatus.CANCELED):
        return StateRefuses(
            "not-retryable",
            f"Only failed and canceled deliveries can be tried again; this one is {status.value}.",
            status,
        )
    if not row.is_enabled:
        return StateRefuses(
            "destination-disabled",
            "Its destination is disabled or deleted; enable it first.",
            status,
        )
    await queue_again(session, alert_delivery_id)
    return Requeued()


async def cancel(
    session: DatabaseSession, workspace_id: UUID, alert_delivery_id: UUID
) -> CancelOutcome:
    """Cancel a delivery that is queued or deferred and not being sent at this moment."""
    row = await lock_delivery(session, workspace_id, alert_delivery_id)
    if row is None:
        return NoSuchDelivery()
    status = row.status
    if row.event_type is EventType.TEST:
        return StateRefuses("test-delivery", "Test deliveries are never canceled.", status)
    if status not in (AlertDeliveryStatus.QUEUED, AlertDeliveryStatus.DEFERRED):
        return StateRefuses(
            "not-cancelable",
            f"Only queued and deferred deliveries can be canceled; this one is {status.value}.",
            status,
        )
    if row.is_carried:
        return StateRefuses(
            "not-cancelable",
            "Another message says it, with others; cancel that one instead.",
            status,
        )
    if row.is_under_way:
        return StateRefuses("in-flight", "It is being sent at this moment.", status)
    await call_off(session, alert_delivery_id)
    return Canceled()


async def bulk_retry(
    session: DatabaseSession,
    workspace_id: UUID,
    since: datetime,
    until: datetime,
    destination_id: UUID | None = None,
    most: int | None = None,
) -> int:
    """Queue again all that failed from `since` to before `until`, at all destinations that are
    enabled or at one; with `most` the oldest so many. Returns how many. What is over by now (a
    trigger whose alert is resolved) is sent all the same: somebody asked for it. What another
    message carries goes with that one."""
    return await queue_failed_again(session, workspace_id, since, until, destination_id, most)
