"""Trials of a destination: one delivery of `alerts.test`, sent the way a real alert is, and how
the last of them went, which is derived from its row and never stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tocsin.message import Content, Named, encode
from tocsin.model import AlertDeliveryStatus, EventType, Reason, optional_iso, utc_now
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import destination_trials as rows

INTERVAL_SECONDS = 60
"""One trial per destination in this time, and the time that one has."""


class LastTestStatus(StrEnum):
    NEVER = "Never"
    PENDING = "Pending"
    SENT = "Sent"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class LastTest:
    """`at` for Sent: when it was sent; Failed: when it failed; Pending: when it is due, else when
    it was asked for. `confirmed` False: the service took it and may still drop it (Teams), so a
    person should look whether it was posted; None while nothing was sent."""

    status: LastTestStatus
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


NEVER = LastTest(LastTestStatus.NEVER)


@dataclass(frozen=True, slots=True)
class TrialQueued:
    alert_delivery_id: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DestinationNotFound:
    """No such destination in this workspace: 404."""


@dataclass(frozen=True, slots=True)
class DestinationDisabled:
    """409 `destination-disabled`."""


@dataclass(frozen=True, slots=True)
class TrialRateLimited:
    """429 `test-rate-limited`; `retry_after` in whole seconds, at least one."""

    retry_after: int


TrialOutcome = TrialQueued | DestinationNotFound | DestinationDisabled | TrialRateLimited


async def plan_trial(
    session: DatabaseSession,
    workspace_id: UUID,
    destination_id: UUID,
    reason: Reason = Reason.TEST,
) -> TrialOutcome:
    """Plan a trial, in the caller's transaction (READ COMMITTED); dispatchers wake at its commit. With
    the reason `verification` it carries a code.

    The destination's row is locked, so of many requests at once one makes the trial and the others
    see it; the time is read once the lock is held, not when the transaction began.
    """
    destination = await rows.lock_destination(session, workspace_id, destination_id)
    if destination is None:
        return DestinationNotFound()
    if not destination.is_enabled:
        return DestinationDisabled()
    seconds = await rows.seconds_since_last_trial(session, workspace_id, destination_id)
    if seconds is not None and seconds < INTERVAL_SECONDS:
        wait = math.ceil(INTERVAL_SECONDS - seconds)
        return TrialRateLimited(max(1, min(INTERVAL_SECONDS, wait)))
    content = Content(
        event_type=EventType.TEST,
        created_at=utc_now(),
        workspace=Named(workspace_id, destination.workspace_name, destination.workspace_slug),
        tenant=None,
        rule=None,
        alert=None,
        actor=None,
        carries_code=reason is Reason.VERIFICATION,
    )
    made = await rows.plan_trial(
        session,
        workspace_id,
        destination_id,
        encode(content).decode(),
        INTERVAL_SECONDS,
        reason,
    )
    return TrialQueued(made.id, made.created_at)


async def last_tests(
    session: DatabaseSession, workspace_id: UUID, destination_ids: Sequence[UUID]
) -> Mapping[UUID, LastTest]:
    """How the last trial of each of these destinations went."""
    found = dict.fromkeys(destination_ids, NEVER)
    if found:
        for row in await rows.newest_trials(session, workspace_id, list(found)):
            found[row.destination_id] = _last_test(row)
    return found


def _last_test(row: rows.TrialRow) -> LastTest:
    at: datetime | None
    match row.status:
        case AlertDeliveryStatus.QUEUED | AlertDeliveryStatus.DEFERRED:
            status, at = LastTestStatus.PENDING, row.send_after or row.created_at
        case AlertDeliveryStatus.SENT:
            status, at = LastTestStatus.SENT, row.sent_at
        case _:
            status, at = LastTestStatus.FAILED, row.updated_at
    return LastTest(
        status,
        at,
        row.id,
        row.error_code,
        row.error_message,
        row.confirmed if status is LastTestStatus.SENT else None,
    )
