"""Heartbeats between the database and the model: read under their locks, written column by column."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct

from tocsin.heartbeats.beat import (
    Beat,
    ChangeReason,
    Expectation,
    HeartbeatState,
    PingKind,
    StateChange,
)
from tocsin.heartbeats.schedule import PingSchedule, ScheduleKind
from tocsin.model import uuid7_bytes
from tocsin.store.columns import (
    Bigint,
    Integer,
    OptionalBigint,
    OptionalInteger,
    OptionalText,
    OptionalTime,
    OptionalUuid,
    Text,
    Time,
    Uuid,
    columns,
)
from tocsin.store.pipe import Call
from tocsin.store.statements import prepared

PINGS_KEPT = 50
"""Of each heartbeat, the newest."""


class KnownHeartbeat(Struct):
    """A locked row of `heartbeat_statuses`."""

    id: bytes
    beat: Beat
    look_at: datetime | None
    paused_until: datetime | None
    ping_count: int
    last_duration_ms: int | None

    @property
    def needs_look_at(self) -> datetime | None:
        """When there is something for the clock to do."""
        if self.beat.state is HeartbeatState.PAUSED:
            return self.paused_until
        return self.beat.due_at


class HeartbeatStatusRow(Struct):
    """One row of `heartbeat_statuses`, as it is updated."""

    heartbeat_id: Uuid
    state: Text
    last_ping_at: OptionalTime
    started_at: OptionalTime
    run_id: OptionalUuid
    due_at: OptionalTime
    due_reason: OptionalText
    look_at: OptionalTime
    paused_until: OptionalTime
    down_since: OptionalTime
    successes: Integer
    ended_run_id: OptionalUuid
    ended_with: OptionalText
    waiting_since: OptionalTime
    ping_count: Bigint
    last_duration_ms: OptionalBigint


class PingRow(Struct):
    """One row of `heartbeat_pings`."""

    heartbeat_id: Uuid
    place: Integer
    number: Bigint
    at: Time
    kind: Text
    outcome: Text
    exit_code: OptionalInteger
    run_id: OptionalUuid
    duration_ms: OptionalBigint
    method: Text
    body: OptionalText


class HeartbeatChangeRow(Struct):
    """One row of `heartbeat_changes`."""

    id: Uuid
    heartbeat_id: Uuid
    at: Time
    before: Text
    after: Text
    reason: Text
    exit_code: OptionalInteger
    body: OptionalText
    processed_at: OptionalTime


class BeatColumns(Protocol):
    """The columns of `heartbeat_statuses` that the model goes by."""

    state: Any
    waiting_since: Any
    last_ping_at: Any
    started_at: Any
    run_id: Any
    due_at: Any
    due_reason: Any
    down_since: Any
    successes: Any
    ended_run_id: Any
    ended_with: Any


def beat_of(row: BeatColumns) -> Beat:
    return Beat(
        state=HeartbeatState(row.state),
        waiting_since=row.waiting_since,
        last_ping_at=row.last_ping_at,
        started_at=row.started_at,
        run_id=row.run_id,
        due_at=row.due_at,
        due_reason=None if row.due_reason is None else ChangeReason(row.due_reason),
        down_since=row.down_since,
        successes=row.successes,
        ended_run_id=row.ended_run_id,
        ended_with=None if row.ended_with is None else PingKind(row.ended_with),
    )


def lay_out(beat: Beat, row: BeatColumns) -> None:
    """The opposite of `beat_of`, for a row that is written by other means than a statement of here."""
    for name in Beat.__struct_fields__:
        value = getattr(beat, name)
        setattr(row, name, value.value if isinstance(value, StrEnum) else value)


def known_of(row: Any) -> KnownHeartbeat:
    return KnownHeartbeat(
        row.heartbeat_id.bytes,
        beat_of(row),
        row.look_at,
        row.paused_until,
        row.ping_count,
        row.last_duration_ms,
    )


def expectation_of(row: Any) -> Expectation:
    """From a row that has the columns of `heartbeats`."""
    return _expectation(
        row.kind,
        row.period_seconds,
        tuple(row.expressions),
        row.timezone,
        row.grace_seconds,
        row.max_run_seconds,
        row.manual_resume,
        row.recovery_pings,
        row.expect_first_within_seconds,
    )


@lru_cache(4096)
def _expectation(
    kind: str,
    period: int | None,
    expressions: tuple[str, ...],
    timezone: str,
    grace: int,
    max_run: int | None,
    manual_resume: bool,
    recovery_pings: int,
    first_within: int | None,
) -> Expectation:
    return Expectation(
        schedule_of(kind, period, expressions, timezone),
        timedelta(seconds=grace),
        None if max_run is None else timedelta(seconds=max_run),
        manual_resume,
        recovery_pings,
        None if first_within is None else timedelta(seconds=first_within),
    )


def schedule_of(
    kind: str, period_seconds: int | None, expressions: tuple[str, ...], timezone: str
) -> PingSchedule:
    period = None if period_seconds is None else timedelta(seconds=period_seconds)
    return PingSchedule(ScheduleKind(kind), period, expressions, timezone)


def moved_look(look_at: datetime | None, needed: datetime | None) -> datetime | None:
    """When the clock is to look, if it must by `needed` at the latest. A look that comes too early
    stays where it is: moving it costs an entry in an index at every ping."""
    if needed is None or (look_at is not None and look_at <= needed):
        return look_at
    return needed


def change_row(
    heartbeat_id: bytes, change: StateChange, exit_code: int | None = None, body: str | None = None
) -> HeartbeatChangeRow:
    return HeartbeatChangeRow(
        uuid7_bytes(),
        heartbeat_id,
        change.at,
        change.before.value,
        change.after.value,
        change.reason.value,
        exit_code,
        body,
        None if change.concerns_alert else change.at,
    )


def writes(
    known: list[KnownHeartbeat],
    changes: list[HeartbeatChangeRow],
    pings: list[PingRow] | None = None,
) -> list[Call]:
    """The statements that write all of it."""
    calls: list[Call] = []
    if known:
        rows = [_status_row(each) for each in known]
        calls.append((prepared("update_heartbeat_statuses"), columns(HeartbeatStatusRow, rows)))
    if pings:
        calls.append((prepared("keep_heartbeat_pings"), columns(PingRow, pings)))
    if changes:
        calls.append((prepared("add_heartbeat_changes"), columns(HeartbeatChangeRow, changes)))
    return calls


def _status_row(known: KnownHeartbeat) -> HeartbeatStatusRow:
    beat = known.beat
    return HeartbeatStatusRow(
        known.id,
        beat.state.value,
        beat.last_ping_at,
        beat.started_at,
        _bytes(beat.run_id),
        beat.due_at,
        None if beat.due_reason is None else beat.due_reason.value,
        known.look_at,
        known.paused_until,
        beat.down_since,
        beat.successes,
        _bytes(beat.ended_run_id),
        None if beat.ended_with is None else beat.ended_with.value,
        beat.waiting_since,
        known.ping_count,
        known.last_duration_ms,
    )


def _bytes(id: UUID | None) -> bytes | None:
    return None if id is None else id.bytes
