"""What a ping, the clock and a person do to a heartbeat. Pure: values in, values out.

                 success                 no ping in time, overrun, fail
    NEW ────────────────────────▶ UP ◀─────────────────────────────────────▶ DOWN
     ▲   resume                    │            success                        │
     └───────────── PAUSED ◀───────┴───────────────────────────────────────────┘
                                      pause

A heartbeat that has never pinged, or is paused, is never missed: the first ping arms it, silently.
(Where a first ping is expected within some time, it is down after that.) When it counts as missed is
fixed at the ping before (`due_at`), so the moment of failure is that moment, whenever somebody looks.
*Late* is the time between the expected ping and that moment; it is not a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from tocsin.heartbeats.schedule import PingSchedule

REPEATED_WITHIN = timedelta(hours=72)
"""So long is the same end of the same run taken for a repetition by its client."""


class HeartbeatState(StrEnum):
    NEW = "new"
    UP = "up"
    DOWN = "down"
    PAUSED = "paused"


class ChangeReason(StrEnum):
    """Why a heartbeat changed its state."""

    FIRST_PING = "first_ping"
    TIMEOUT = "timeout"
    NEVER_PINGED = "never_pinged"
    OVERRUN = "overrun"
    FAIL = "fail"
    RECOVERED = "recovered"
    SCHEDULE_CHANGED = "schedule_changed"
    PAUSED = "paused"
    RESUMED = "resumed"
    DELETED = "deleted"


class PingKind(StrEnum):
    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    LOG = "log"


class Ping(Struct, frozen=True):
    """One ping. `exit_code`: of a success 0, of a fail anything else, where the sender gave one."""

    kind: PingKind
    exit_code: int | None = None
    run_id: UUID | None = None


class PingOutcome(StrEnum):
    """What became of a ping: it counted, or why not."""

    COUNTED = "counted"
    PAUSED = "paused"
    """It is paused and resumed by people only."""
    REPEATED = "repeated"
    """Its client has sent it before."""
    WRONG_METHOD = "wrong_method"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of a heartbeat. `max_run` None: runs are not timed."""

    schedule: PingSchedule
    grace: timedelta
    max_run: timedelta | None = None
    manual_resume: bool = False
    recovery_pings: int = 1
    """So many successes in a row end a failure."""
    first_within: timedelta | None = None
    """How long it may wait for its first ping; None: forever."""


class Beat(Struct):
    """What is known of a heartbeat."""

    state: HeartbeatState = HeartbeatState.NEW
    waiting_since: datetime | None = None
    """Since when it waits for its first ping."""
    last_ping_at: datetime | None = None
    """The newest success or fail."""
    started_at: datetime | None = None
    """The newest start whose end has not come."""
    run_id: UUID | None = None
    """Of that start."""
    due_at: datetime | None = None
    due_reason: ChangeReason | None = None
    """What it will be down for, at `due_at`."""
    down_since: datetime | None = None
    successes: int = 0
    """In a row, while it is down."""
    ended_run_id: UUID | None = None
    ended_with: PingKind | None = None
    """The newest end of a run that has an id."""

    @property
    def waits_for_first(self) -> bool:
        return self.waiting_since is not None and (
            self.last_ping_at is None or self.last_ping_at < self.waiting_since
        )


@dataclass(frozen=True, slots=True)
class StateChange:
    """One change of state, at the moment from which it holds."""

    at: datetime
    before: HeartbeatState
    after: HeartbeatState
    reason: ChangeReason

    @property
    def concerns_alert(self) -> bool:
        """Whether an alert begins or ends with it."""
        return HeartbeatState.DOWN in (self.before, self.after)


@dataclass(frozen=True, slots=True)
class PingEffect:
    """What one ping did."""

    outcome: PingOutcome = PingOutcome.COUNTED
    change: StateChange | None = None
    duration: timedelta | None = None
    """Of the run that it ended."""


def begin(expectation: Expectation, now: datetime) -> Beat:
    """A heartbeat that is made at `now`."""
    beat = Beat(waiting_since=now)
    _expect(expectation, beat)
    return beat


def receive(expectation: Expectation, beat: Beat, ping: Ping, at: datetime) -> PingEffect:
    """Apply one ping to `beat` (changed in place) and say what it did."""
    if beat.state is HeartbeatState.PAUSED and expectation.manual_resume:
        return PingEffect(PingOutcome.PAUSED)
    match ping.kind:
        case PingKind.LOG:
            return PingEffect()
        case PingKind.START:
            return _started(expectation, beat, ping, at)
        case PingKind.SUCCESS | PingKind.FAIL:
            return _ended(expectation, beat, ping, at)


def _started(expectation: Expectation, beat: Beat, ping: Ping, at: datetime) -> PingEffect:
    if ping.run_id is not None and ping.run_id in (beat.run_id, beat.ended_run_id):
        return PingEffect(PingOutcome.REPEATED)
    beat.started_at, beat.run_id = at, ping.run_id
    change = None
    if beat.state is HeartbeatState.PAUSED:
        change = _become(beat, HeartbeatState.NEW, ChangeReason.RESUMED, at)
        beat.waiting_since = at
    _expect(expectation, beat)
    return PingEffect(change=change)


def _ended(expectation: Expectation, beat: Beat, ping: Ping, at: datetime) -> PingEffect:
    if (
        ping.run_id is not None
        and ping.run_id == beat.ended_run_id
        and ping.kind is beat.ended_with
        and beat.last_ping_at is not None
        and at - beat.last_ping_at < REPEATED_WITHIN
    ):
        return PingEffect(PingOutcome.REPEATED)
    began_at, duration = beat.started_at, None
    is_its_run = ping.run_id is None or ping.run_id == beat.run_id
    if began_at is not None and is_its_run:
        duration = max(at - began_at, timedelta(0))
        beat.started_at = beat.run_id = None
    if ping.run_id is not None:
        beat.ended_run_id, beat.ended_with = ping.run_id, ping.kind
    beat.waiting_since = None
    beat.last_ping_at = at if beat.last_ping_at is None else max(at, beat.last_ping_at)
    is_fail = ping.kind is PingKind.FAIL
    change = _failed(beat, at) if is_fail else _succeeded(expectation, beat, at)
    _expect(expectation, beat, began_at if is_its_run else None)
    return PingEffect(change=change, duration=duration)


def _failed(beat: Beat, at: datetime) -> StateChange | None:
    beat.successes = 0
    if beat.state is HeartbeatState.DOWN:
        return None
    return _become(beat, HeartbeatState.DOWN, ChangeReason.FAIL, at)


def _succeeded(expectation: Expectation, beat: Beat, at: datetime) -> StateChange | None:
    match beat.state:
        case HeartbeatState.UP:
            return None
        case HeartbeatState.NEW:
            return _become(beat, HeartbeatState.UP, ChangeReason.FIRST_PING, at)
        case HeartbeatState.PAUSED:
            return _become(beat, HeartbeatState.UP, ChangeReason.RESUMED, at)
        case HeartbeatState.DOWN:
            beat.successes += 1
            if beat.successes < expectation.recovery_pings:
                return None
            return _become(beat, HeartbeatState.UP, ChangeReason.RECOVERED, at)


def _become(beat: Beat, after: HeartbeatState, reason: ChangeReason, at: datetime) -> StateChange:
    before = beat.state
    if before is HeartbeatState.DOWN and beat.down_since is not None:
        # Clocks of nodes differ: an end that lies before its beginning would end nothing.
        at = max(at, beat.down_since)
    beat.state = after
    beat.successes = 0
    beat.down_since = at if after is HeartbeatState.DOWN else None
    return StateChange(at, before, after, reason)


def _expect(expectation: Expectation, beat: Beat, began_at: datetime | None = None) -> None:
    """Fix from when on it counts as missed, and for what."""
    beat.due_at = beat.due_reason = None
    if beat.state is HeartbeatState.UP and beat.last_ping_at is not None:
        grace = expectation.grace
        expected = expectation.schedule.expected(beat.last_ping_at, grace, began_at)
        if expected is not None:
            beat.due_at, beat.due_reason = expected + grace, ChangeReason.TIMEOUT
    elif beat.state is HeartbeatState.NEW and (first_by := _first_by(expectation, beat)):
        beat.due_at, beat.due_reason = first_by, ChangeReason.NEVER_PINGED
    if (
        expectation.max_run is not None
        and beat.started_at is not None
        and beat.state in (HeartbeatState.UP, HeartbeatState.NEW)
    ):
        end_by = beat.started_at + expectation.max_run
        if beat.due_at is None or end_by < beat.due_at:
            beat.due_at, beat.due_reason = end_by, ChangeReason.OVERRUN


def _first_by(expectation: Expectation, beat: Beat) -> datetime | None:
    if expectation.first_within is None or beat.waiting_since is None:
        return None
    return beat.waiting_since + expectation.first_within


def expire(beat: Beat, now: datetime) -> StateChange | None:
    """What the clock does at `now`: nothing before it is due. It went down when it was due."""
    if beat.due_at is None or beat.due_at > now or beat.due_reason is None:
        return None
    change = _become(beat, HeartbeatState.DOWN, beat.due_reason, beat.due_at)
    beat.due_at = beat.due_reason = None
    return change


def reschedule(expectation: Expectation, beat: Beat, now: datetime) -> StateChange | None:
    """Expect something else from now on. What would be missed by that at once has one grace more;
    what was down for want of a ping that is no longer due is up again."""
    due_before = beat.due_at
    if beat.state is HeartbeatState.DOWN:
        return _no_longer_missed(expectation, beat, now)
    _expect(expectation, beat)
    if beat.due_at is not None and beat.due_at <= now and beat.due_at != due_before:
        beat.due_at = now + expectation.grace
    return None


def _no_longer_missed(expectation: Expectation, beat: Beat, now: datetime) -> StateChange | None:
    last = None if beat.waits_for_first else beat.last_ping_at
    if beat.down_since is None or (last is not None and beat.down_since <= last):
        # It pinged since: to say that it failed, or it has not pinged often enough.
        return None
    if last is None:
        first_by = _first_by(expectation, beat)
        if first_by is not None and first_by <= now:
            return None
    else:
        expected = expectation.schedule.expected(last, expectation.grace)
        if expected is not None and expected + expectation.grace <= now:
            return None
    if (
        expectation.max_run is not None
        and beat.started_at is not None
        and beat.started_at + expectation.max_run <= now
    ):
        return None
    after = HeartbeatState.NEW if last is None else HeartbeatState.UP
    change = _become(beat, after, ChangeReason.SCHEDULE_CHANGED, now)
    _expect(expectation, beat)
    return change


def pause(beat: Beat, now: datetime) -> StateChange | None:
    """Expect nothing until a ping or a person resumes it."""
    if beat.state is HeartbeatState.PAUSED:
        return None
    beat.due_at = beat.due_reason = beat.started_at = beat.run_id = beat.waiting_since = None
    return _become(beat, HeartbeatState.PAUSED, ChangeReason.PAUSED, now)


def resume(expectation: Expectation, beat: Beat, now: datetime) -> StateChange | None:
    """Wait for a first ping again: nothing from before the pause counts."""
    if beat.state is not HeartbeatState.PAUSED:
        return None
    beat.last_ping_at = beat.ended_run_id = beat.ended_with = None
    beat.waiting_since = now
    change = _become(beat, HeartbeatState.NEW, ChangeReason.RESUMED, now)
    _expect(expectation, beat)
    return change


def is_late(beat: Beat, grace: timedelta, now: datetime) -> bool:
    """Whether the expected ping has not come, and there is grace left."""
    return (
        beat.due_at is not None
        and beat.due_reason is ChangeReason.TIMEOUT
        and beat.due_at - grace <= now < beat.due_at
    )
