"""Heartbeats: who is expected to ping. How they are made, changed, paused and deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.access.vault import Vault
from tocsin.heartbeats.beat import (
    Beat,
    ChangeReason,
    HeartbeatState,
    StateChange,
    begin,
    pause,
    reschedule,
    resume,
)
from tocsin.heartbeats.rows import beat_of, expectation_of, lay_out, moved_look, schedule_of
from tocsin.heartbeats.schedule import faults_of
from tocsin.heartbeats.tokens import new_token, token_digest
from tocsin.model import REDACTED, Fault, Secret, Severity, uuid7
from tocsin.resources import integrations, recording
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.heartbeat_shapes import (
    ConfiguredHeartbeat,
    HeartbeatIn,
    HeartbeatOut,
    HeartbeatPatch,
    HeartbeatWithToken,
)
from tocsin.resources.integration_shapes import IntegrationIn, SourceType
from tocsin.resources.owned import owned, require
from tocsin.routing.validation import validate_matchers
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import heartbeats as queries
from tocsin.store.queries.heartbeats import HEARTBEAT_TYPE, shown_state
from tocsin.store.tables import Heartbeat, HeartbeatChange, HeartbeatStatus, Integration, Tenant

GRACE_SECONDS = 300

HEARTBEATS_LIMIT = 1_000_000
"""Of one workspace."""

WATCHDOG = [{"label": "alertname", "op": "=~", "value": "Watchdog|DeadMansSwitch"}]

_STATUS_COLUMNS = (
    "last_ping_at",
    "started_at",
    "due_at",
    "down_since",
    "paused_until",
    "ping_count",
    "last_duration_ms",
)
_SCHEDULE = {"kind", "period_seconds", "expressions", "timezone", "grace_seconds",
             "max_run_seconds"}  # fmt: skip
_EXPECTED = {*_SCHEDULE, "expect_first_within_seconds"}
"""What `due_at` follows from."""
_HANDED_DOWN = {*_SCHEDULE, "description", "alert_title", "tenant_id", "severity", "labels", "methods",
                "manual_resume", "recovery_pings"}  # fmt: skip
"""What those that are made for a bound heartbeat have from it."""


def ping_url(base_url: str, row: Heartbeat, token: Secret | None) -> str | None:
    if row.token_digest is None:
        return None
    return f"{base_url}/ping/{REDACTED if token is None else token.reveal_text()}"


def _shown(
    row: Heartbeat, status: HeartbeatStatus, now: datetime, base_url: str, token: Secret | None
) -> dict[str, Any]:
    expected_at = None
    if status.due_at is not None and status.due_reason == ChangeReason.TIMEOUT:
        expected_at = status.due_at - expectation_of(row).grace
    elif status.due_reason == ChangeReason.NEVER_PINGED:
        expected_at = status.due_at
    return {
        **{name: getattr(row, name) for name in ConfiguredHeartbeat.model_fields},
        **{name: getattr(status, name) for name in _STATUS_COLUMNS},
        "state": shown_state(row, status, now),
        "waiting_since": status.waiting_since if beat_of(status).waits_for_first else None,
        "expected_at": expected_at,
        "ping_url": ping_url(base_url, row, token),
    }


def show(row: Heartbeat, status: HeartbeatStatus, now: datetime, base_url: str) -> HeartbeatOut:
    return HeartbeatOut(**_shown(row, status, now, base_url, None))


def show_with_token(
    row: Heartbeat, status: HeartbeatStatus, now: datetime, base_url: str, token: Secret
) -> HeartbeatWithToken:
    return HeartbeatWithToken(
        **_shown(row, status, now, base_url, token), ping_token=token.reveal_text()
    )


async def show_all(
    session: DatabaseSession, rows: Sequence[Heartbeat], now: datetime, base_url: str
) -> list[HeartbeatOut]:
    known = await queries.statuses_of(session, [row.id for row in rows])
    return [show(row, known[row.id], now, base_url) for row in rows]


def _document(row: Heartbeat) -> Mapping[str, Any]:
    """What is configured of it; what is known of it changes by itself."""
    return ConfiguredHeartbeat.model_validate(row).document()


_KIND = recording.Kind("heartbeat", _document)


def _check(row: Heartbeat, now: datetime) -> None:
    schedule = schedule_of(row.kind, row.period_seconds, tuple(row.expressions), row.timezone)
    faults = faults_of(schedule, now)
    if row.bound_matchers is not None:
        faults += validate_matchers(row.bound_matchers, "/bound_matchers")
        if row.bound_integration_id is None:
            message = "matchers choose among the signals of a bound_integration_id"
            faults.append(Fault("/bound_matchers", "not-taken", message))
    if row.bound_labels and row.bound_integration_id is None:
        message = "labels tell apart the signals of a bound_integration_id"
        faults.append(Fault("/bound_labels", "not-taken", message))
    if row.bound_labels and row.expect_first_within_seconds is not None:
        message = "with bound_labels no ping is its own, only of those that are made for it"
        faults.append(Fault("/expect_first_within_seconds", "not-taken", message))
    if faults:
        raise InvalidRequest(faults)


def slug_of(name: str) -> str:
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
    return found or HEARTBEAT_TYPE


def make(caller: Principal, body: HeartbeatIn, now: datetime) -> tuple[Heartbeat, Secret]:
    """A heartbeat as it is asked for, yet to be stored, and its token.

    Raises:
        InvalidRequest: it could not work.
    """
    given = body.columns()
    token = Secret(given.pop("ping_token", None) or new_token().reveal_text())
    bound_to = body.bound_integration_id
    row = Heartbeat(
        **{
            "id": uuid7(),
            "workspace_id": caller.workspace_id,
            "slug": slug_of(body.name),
            "description": None,
            "alert_title": None,
            "kind": body.kind.value,
            "period_seconds": None,
            "expressions": [],
            "timezone": "UTC",
            "grace_seconds": GRACE_SECONDS,
            "max_run_seconds": None,
            "severity": Severity.HIGH,
            "labels": {},
            "methods": "any",
            "manual_resume": False,
            "recovery_pings": 1,
            "expect_first_within_seconds": None,
            "bound_labels": [],
            "parent_id": None,
            "bound_values": None,
            **given,
            "bound_matchers": given.get("bound_matchers") or (WATCHDOG if bound_to else None),
            "token_digest": UUID(bytes=token_digest(token.reveal_text())),
            "created_at": now,
            "updated_at": now,
        }
    )
    _check(row, now)
    return row, token


async def own_integration(
    session: DatabaseSession, vault: Vault, caller: Principal, now: datetime
) -> UUID:
    """The workspace's first integration for heartbeats; made, if there is none."""
    found = await queries.find_heartbeat_integration(session, caller.workspace_id)
    if found is not None:
        return found.id
    asked = IntegrationIn(name="heartbeats", type=SourceType(HEARTBEAT_TYPE))
    row, _ = integrations.make(vault, caller, asked, now)
    await integrations.create(session, caller, row, None, now)
    return row.id


async def create(
    session: DatabaseSession,
    caller: Principal,
    row: Heartbeat,
    integration_id: UUID,
    tenant_id: UUID | None,
    now: datetime,
) -> HeartbeatStatus:
    """Stores a heartbeat that `make` made; without a tenant it is of that of its integration.

    Raises:
        MissingReference: its tenant or one of its integrations is not there.
        InvalidRequest: its integration is of another type.
        NameTaken: another heartbeat has its name or slug.
    """
    await require(session, Integration, caller, integration_id, "/integration_id")
    integration = await owned(session, Integration, caller, integration_id)
    if integration.type != HEARTBEAT_TYPE:
        message = f"must be of the type {HEARTBEAT_TYPE}; this one is of {integration.type}"
        raise InvalidRequest([Fault("/integration_id", "wrong-type", message)])
    if row.bound_integration_id is not None:
        bound_to = row.bound_integration_id
        await require(session, Integration, caller, bound_to, "/bound_integration_id")
    if tenant_id is not None:
        await require(session, Tenant, caller, tenant_id, "/tenant_id")
    if await queries.count_heartbeats(session, caller.workspace_id) >= HEARTBEATS_LIMIT:
        message = f"a workspace may have {HEARTBEATS_LIMIT:,} heartbeats"
        raise InvalidRequest([Fault("", "too-many", message)])
    row.integration_id = integration_id
    row.tenant_id = tenant_id or integration.tenant_id
    await recording.create(session, caller, _KIND, row, now)
    beat = begin(expectation_of(row), now)
    status = HeartbeatStatus(heartbeat_id=row.id, ping_count=0, look_at=beat.due_at)
    lay_out(beat, status)
    await workspace_rows.add(session, status)
    return status


async def update(
    session: DatabaseSession, caller: Principal, heartbeat_id: UUID, body: HeartbeatPatch,
    now: datetime,
) -> tuple[Heartbeat, HeartbeatStatus]:  # fmt: skip
    """Changes what is expected. What that would make overdue has one grace more; what it makes no
    longer missed is up again."""
    row = await owned(session, Heartbeat, caller, heartbeat_id)
    if "tenant_id" in body.model_fields_set:
        await require(session, Tenant, caller, body.tenant_id, "/tenant_id")
    before = {name: getattr(row, name) for name in _HANDED_DOWN}
    status = await _change(session, caller, row, body.columns(), now)
    changed = {name for name, value in before.items() if getattr(row, name) != value}
    if changed and row.bound_integration_id is not None:
        for child in await queries.made_for(session, row.id):
            if handed := _handed_down(row, before, changed, child):
                await _change(session, caller, child, handed, now)
    return row, status


async def _change(
    session: DatabaseSession,
    caller: Principal,
    row: Heartbeat,
    columns: Mapping[str, Any],
    now: datetime,
) -> HeartbeatStatus:
    before = {name: getattr(row, name) for name in _EXPECTED}
    async with recording.changing(session, caller, _KIND, row, now):
        recording.assign(row, columns)
        if workspace_rows.is_changed(session, row):
            _check(row, now)
    status = await queries.lock_status(session, row.id)
    if any(getattr(row, name) != value for name, value in before.items()):
        beat = beat_of(status)
        change = reschedule(expectation_of(row), beat, now)
        await _write(session, row, status, beat, change)
    return status


def _handed_down(
    parent: Heartbeat, before: Mapping[str, Any], changed: set[str], child: Heartbeat
) -> dict[str, Any]:
    """What changes of a heartbeat that was made for a bound one: what it still had from that."""
    handed = {
        name: getattr(parent, name)
        for name in changed - _SCHEDULE - {"labels"}
        if getattr(child, name) == before[name]
    }
    if changed & _SCHEDULE and all(getattr(child, name) == before[name] for name in _SCHEDULE):
        handed |= {name: getattr(parent, name) for name in _SCHEDULE}
    own = dict(zip(parent.bound_labels, child.bound_values or (), strict=False))
    if "labels" in changed and child.labels == {**before["labels"], **own}:
        handed["labels"] = {**parent.labels, **own}
    return handed


async def pause_heartbeat(
    session: DatabaseSession,
    caller: Principal,
    heartbeat_id: UUID,
    until: datetime | None,
    now: datetime,
) -> tuple[Heartbeat, HeartbeatStatus]:
    """Nothing is expected until it is resumed; the alert that is open for it is resolved."""
    row = await owned(session, Heartbeat, caller, heartbeat_id)
    status = await queries.lock_status(session, row.id)
    beat = beat_of(status)
    change = pause(beat, now)
    if change is not None or until != status.paused_until:
        status.paused_until = until
        recording.record(session, caller, "paused", _KIND.name, row.id, now)
    await _write(session, row, status, beat, change)
    return row, status


async def resume_heartbeat(
    session: DatabaseSession, caller: Principal, heartbeat_id: UUID, now: datetime
) -> tuple[Heartbeat, HeartbeatStatus]:
    """It waits for a first ping again; one that is not paused stays as it is."""
    row = await owned(session, Heartbeat, caller, heartbeat_id)
    status = await queries.lock_status(session, row.id)
    beat = beat_of(status)
    change = resume(expectation_of(row), beat, now)
    if change is not None:
        status.paused_until = None
        recording.record(session, caller, "resumed", _KIND.name, row.id, now)
    await _write(session, row, status, beat, change)
    return row, status


async def rotate_token(
    session: DatabaseSession, caller: Principal, heartbeat_id: UUID, given: str | None,
    now: datetime,
) -> tuple[Heartbeat, HeartbeatStatus, Secret]:  # fmt: skip
    """A new token; the one before counts no longer."""
    row = await owned(session, Heartbeat, caller, heartbeat_id)
    token = Secret(given or new_token().reveal_text())
    row.token_digest = UUID(bytes=token_digest(token.reveal_text()))
    row.updated_at = now
    await workspace_rows.write(session, row)
    recording.record(session, caller, "rotated-token", _KIND.name, row.id, now)
    return row, await queries.lock_status(session, row.id), token


async def delete(
    session: DatabaseSession, caller: Principal, heartbeat_id: UUID, now: datetime
) -> None:
    """Deletes it, and those that were made for it where it is bound; their pings are 404 from here
    on, and the alerts that are open for them are resolved."""
    row = await owned(session, Heartbeat, caller, heartbeat_id)
    for child in await queries.made_for(session, row.id):
        await _delete(session, caller, child, now)
    await _delete(session, caller, row, now)


async def _delete(
    session: DatabaseSession, caller: Principal, row: Heartbeat, now: datetime
) -> None:
    status = await queries.lock_status(session, row.id)
    beat = beat_of(status)
    change = pause(beat, now)
    if change is not None:
        change = StateChange(change.at, change.before, change.after, ChangeReason.DELETED)
    status.paused_until = None
    await _write(session, row, status, beat, change)
    await recording.delete(session, caller, _KIND, row, now)


async def _write(
    session: DatabaseSession,
    row: Heartbeat,
    status: HeartbeatStatus,
    beat: Beat,
    change: StateChange | None,
) -> None:
    lay_out(beat, status)
    needed = status.paused_until if beat.state is HeartbeatState.PAUSED else beat.due_at
    status.look_at = moved_look(status.look_at, needed)
    if change is not None:
        waits = change.concerns_alert
        session.add(
            HeartbeatChange(
                id=uuid7(),
                heartbeat_id=row.id,
                at=change.at,
                before=change.before.value,
                after=change.after.value,
                reason=change.reason.value,
                processed_at=None if waits else change.at,
            )
        )
        if waits:
            await queries.wake_clock(session)
    await session.flush()
