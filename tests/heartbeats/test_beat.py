"""A heartbeat case by case, and against a plain model that remembers all that happened."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.heartbeats.beat import (
    ChangeReason,
    Expectation,
    HeartbeatState,
    Ping,
    PingEffect,
    PingKind,
    PingOutcome,
    StateChange,
    begin,
    expire,
    is_late,
    pause,
    receive,
    reschedule,
    resume,
)
from tocsin.heartbeats.schedule import PingSchedule, ScheduleKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NEW, UP, DOWN, PAUSED = HeartbeatState
START, SUCCESS, FAIL, LOG = PingKind
HOURLY = Expectation(PingSchedule(ScheduleKind.INTERVAL, HOUR), grace=10 * MINUTE)
RUN, OTHER_RUN = UUID(int=1), UUID(int=2)


class Story:
    """One heartbeat and its clock, which the clock of the hub looks at exactly on time."""

    def __init__(self, expectation: Expectation = HOURLY) -> None:
        self.expectation = expectation
        self.now = NOON
        self.beat = begin(expectation, self.now)
        self.changes: list[StateChange] = []

    def ping(self, kind: PingKind = SUCCESS, run: UUID | None = None) -> PingEffect:
        received = receive(self.expectation, self.beat, Ping(kind, run_id=run), self.now)
        self._note(received.change)
        return received

    def after(self, span: timedelta) -> Story:
        self.now += span
        self._note(expire(self.beat, self.now))
        return self

    def _note(self, change: StateChange | None) -> None:
        if change is not None:
            self.changes.append(change)

    @property
    def told(self) -> list[tuple[HeartbeatState, ChangeReason, timedelta]]:
        return [(c.after, c.reason, c.at - NOON) for c in self.changes if c.concerns_alert]


def test_what_never_pinged_is_never_missed() -> None:
    story = Story()
    story.after(1000 * HOUR)
    assert (story.beat.state, story.changes) == (NEW, [])


def test_the_first_ping_arms_and_is_silent() -> None:
    story = Story()
    story.ping()
    assert (story.beat.state, story.beat.due_at, story.told) == (UP, NOON + 70 * MINUTE, [])


def test_it_is_down_since_it_was_due_whenever_somebody_looks() -> None:
    story = Story()
    story.ping()
    story.after(70 * MINUTE - SECOND)
    assert story.beat.state is UP
    assert is_late(story.beat, HOURLY.grace, story.now)
    story.after(7 * HOUR)
    assert story.told == [(DOWN, ChangeReason.TIMEOUT, 70 * MINUTE)]
    assert not is_late(story.beat, HOURLY.grace, story.now)
    story.ping()
    assert story.told[1] == (UP, ChangeReason.RECOVERED, story.now - NOON)


def test_a_first_ping_that_is_a_fail_is_told() -> None:
    story = Story()
    story.ping(FAIL)
    assert story.told == [(DOWN, ChangeReason.FAIL, timedelta(0))]


def test_further_fails_are_the_same_episode_and_another_follows_a_success() -> None:
    story = Story()
    for kind in (SUCCESS, FAIL, FAIL, SUCCESS, FAIL):
        story.after(MINUTE).ping(kind)
    assert [after for after, _, _ in story.told] == [DOWN, UP, DOWN]


def test_several_successes_in_a_row_where_asked_for() -> None:
    story = Story(replace(HOURLY, recovery_pings=3))
    for kind in (FAIL, SUCCESS, SUCCESS, FAIL, SUCCESS, SUCCESS):
        story.after(MINUTE).ping(kind)
    assert story.beat.state is DOWN
    story.after(MINUTE).ping(SUCCESS)
    assert story.beat.state is UP


def test_a_run_that_does_not_end_is_missed_by_its_own_limit() -> None:
    story = Story(replace(HOURLY, max_run=5 * MINUTE))
    story.ping(START)
    assert story.beat.state is NEW
    story.after(HOUR)
    assert story.told == [(DOWN, ChangeReason.OVERRUN, 5 * MINUTE)]
    received = story.ping()
    assert received.duration == HOUR
    assert story.beat.state is UP


def test_the_nearer_limit_counts() -> None:
    story = Story(replace(HOURLY, max_run=5 * HOUR))
    story.ping()
    story.after(HOUR).ping(START)
    assert (story.beat.due_at, story.beat.due_reason) == (NOON + 70 * MINUTE, ChangeReason.TIMEOUT)


def test_a_start_without_a_limit_changes_nothing() -> None:
    story = Story()
    story.ping()
    story.after(MINUTE).ping(START)
    assert story.beat.due_at == NOON + 70 * MINUTE


def test_runs_that_overlap_are_told_apart_by_their_ids() -> None:
    story = Story(replace(HOURLY, max_run=5 * MINUTE))
    story.ping(START, RUN)
    story.after(MINUTE).ping(START, OTHER_RUN)
    received = story.after(MINUTE).ping(SUCCESS, RUN)
    assert received.duration is None
    assert story.beat.due_at == NOON + 6 * MINUTE
    assert story.after(MINUTE).ping(SUCCESS, OTHER_RUN).duration == 2 * MINUTE
    assert story.beat.due_reason is ChangeReason.TIMEOUT


def test_without_ids_any_end_ends_the_run() -> None:
    story = Story(replace(HOURLY, max_run=5 * MINUTE))
    story.ping(START, RUN)
    assert story.after(MINUTE).ping().duration == MINUTE
    assert story.beat.started_at is None


def test_what_a_client_sends_again_counts_once() -> None:
    story = Story(replace(HOURLY, recovery_pings=2))
    story.ping(FAIL)
    story.ping(START, RUN)
    assert story.ping(START, RUN).outcome is PingOutcome.REPEATED
    story.ping(SUCCESS, RUN)
    assert story.after(SECOND).ping(SUCCESS, RUN).outcome is PingOutcome.REPEATED
    assert story.ping(START, RUN).outcome is PingOutcome.REPEATED
    assert story.beat.state is DOWN
    assert story.after(72 * HOUR).ping(SUCCESS, RUN).outcome is PingOutcome.COUNTED


def test_a_log_changes_nothing() -> None:
    story = Story()
    story.ping()
    before = copy(story.beat)
    story.after(MINUTE).ping(LOG)
    assert story.beat == before


def test_a_ping_ends_a_pause_silently() -> None:
    for kind, state in ((SUCCESS, UP), (START, NEW), (LOG, PAUSED)):
        story = Story()
        pause(story.beat, story.now)
        story.ping(kind)
        assert (story.beat.state, story.told) == (state, [])


def test_a_fail_ends_a_pause_and_is_told() -> None:
    story = Story()
    pause(story.beat, story.now)
    story.ping(FAIL)
    assert story.told == [(DOWN, ChangeReason.FAIL, timedelta(0))]


def test_a_pause_that_only_people_end() -> None:
    story = Story(replace(HOURLY, manual_resume=True))
    pause(story.beat, story.now)
    for kind in PingKind:
        assert story.ping(kind).outcome is PingOutcome.PAUSED
    story.after(100 * HOUR)
    assert story.beat.state is PAUSED


def test_a_pause_ends_what_was_down_and_nothing_from_before_counts() -> None:
    story = Story()
    story.ping()
    story.after(2 * HOUR)
    change = pause(story.beat, story.now)
    assert change is not None
    assert (change.before, change.concerns_alert) == (DOWN, True)
    assert pause(story.beat, story.now) is None
    resume(HOURLY, story.beat, story.now)
    assert (story.beat.state, story.beat.due_at, story.beat.last_ping_at) == (NEW, None, None)
    assert resume(HOURLY, story.beat, story.now) is None


def test_a_first_ping_that_is_expected_within_some_time() -> None:
    strict = replace(HOURLY, first_within=HOUR)
    story = Story(strict)
    assert story.beat.due_reason is ChangeReason.NEVER_PINGED
    assert not is_late(story.beat, HOURLY.grace, NOON + 59 * MINUTE)
    story.after(7 * HOUR)
    assert story.told == [(DOWN, ChangeReason.NEVER_PINGED, HOUR)]
    story.ping()
    assert (story.beat.state, story.beat.due_at) == (UP, story.now + 70 * MINUTE)
    pinged = Story(strict)
    pinged.ping()
    assert pinged.beat.due_reason is ChangeReason.TIMEOUT


def test_a_first_run_that_began_is_still_no_first_ping() -> None:
    story = Story(replace(HOURLY, first_within=HOUR, max_run=3 * HOUR))
    story.ping(START)
    story.after(4 * HOUR)
    assert story.told == [(DOWN, ChangeReason.NEVER_PINGED, HOUR)]


def test_what_is_resumed_waits_for_its_first_ping_anew() -> None:
    strict = replace(HOURLY, first_within=HOUR)
    story = Story(strict)
    pause(story.beat, story.now)
    story.after(5 * HOUR)
    assert story.told == []
    resume(strict, story.beat, story.now)
    assert story.beat.due_at == story.now + HOUR


def test_a_first_ping_that_is_expected_sooner_or_later() -> None:
    story = Story()
    story.after(5 * HOUR)
    strict = replace(HOURLY, first_within=HOUR)
    assert reschedule(strict, story.beat, story.now) is None
    assert story.beat.due_at == story.now + HOURLY.grace, "one grace more"
    story.after(HOUR)
    assert story.beat.state is DOWN
    assert reschedule(strict, story.beat, story.now) is None
    patient = replace(HOURLY, first_within=24 * HOUR)
    change = reschedule(patient, story.beat, story.now)
    assert change is not None
    assert (change.after, story.beat.due_at) == (NEW, NOON + 24 * HOUR)
    assert reschedule(HOURLY, story.beat, story.now) is None
    assert (story.beat.state, story.beat.due_at) == (NEW, None)


def test_a_shorter_schedule_gives_one_grace_more() -> None:
    story = Story()
    story.ping()
    story.after(30 * MINUTE)
    shorter = replace(HOURLY, schedule=PingSchedule(ScheduleKind.INTERVAL, MINUTE))
    assert reschedule(shorter, story.beat, story.now) is None
    assert story.beat.due_at == story.now + HOURLY.grace


def test_a_longer_schedule_takes_back_what_is_no_longer_missed() -> None:
    story = Story()
    story.ping()
    story.after(2 * HOUR)
    longer = replace(HOURLY, schedule=PingSchedule(ScheduleKind.INTERVAL, 24 * HOUR))
    change = reschedule(longer, story.beat, story.now)
    assert change is not None
    assert (change.after, change.reason) == (UP, ChangeReason.SCHEDULE_CHANGED)
    assert story.beat.due_at == NOON + 24 * HOUR + HOURLY.grace
    failed = Story()
    failed.ping(FAIL)
    assert reschedule(longer, failed.beat, failed.now + MINUTE) is None
    assert failed.beat.state is DOWN


def test_a_schedule_that_is_set_to_what_it_was_saves_nobody() -> None:
    story = Story()
    story.ping()
    story.now += 2 * HOUR
    reschedule(HOURLY, story.beat, story.now)
    assert story.beat.due_at == NOON + 70 * MINUTE


def test_a_calendar_that_runs_out_is_never_missed() -> None:
    once = PingSchedule(ScheduleKind.CALENDAR, None, ("2026-03-01 11:00",))
    story = Story(Expectation(once, grace=HOUR))
    story.ping()
    assert (story.beat.state, story.beat.due_at) == (UP, None)


def test_clocks_that_differ_never_end_before_the_beginning() -> None:
    story = Story()
    story.ping()
    story.after(2 * HOUR)
    story.now = NOON + MINUTE
    story.ping()
    assert story.told[1] == (UP, ChangeReason.RECOVERED, 70 * MINUTE)
    story.now = NOON
    story.ping()
    assert story.beat.last_ping_at == NOON + MINUTE, "the newest ping, whatever the clock says"


events = st.lists(
    st.tuples(
        st.sampled_from(
            [START, SUCCESS, SUCCESS, SUCCESS, FAIL, LOG, "pause", "resume", "wait", "wait"]
        ),
        st.sampled_from([None, None, RUN, OTHER_RUN]),
        st.integers(0, 100),
    ),
    max_size=30,
)
expectations = st.builds(
    Expectation,
    st.just(PingSchedule(ScheduleKind.INTERVAL, HOUR)),
    grace=st.sampled_from([MINUTE, 30 * MINUTE]),
    max_run=st.sampled_from([None, 5 * MINUTE, 3 * HOUR]),
    manual_resume=st.booleans(),
    recovery_pings=st.integers(1, 3),
    first_within=st.sampled_from([None, 2 * HOUR]),
)


class Plain:
    """The same as rules over a history: nothing is kept but a list of what counted."""

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self.history: list[tuple[datetime, PingKind, UUID | None]] = []
        self.state = NEW
        self.down_at: datetime | None = None
        self.waiting_since: datetime | None = NOON

    def take(self, kind: PingKind, run: UUID | None, at: datetime) -> None:
        if self.state is PAUSED and self.expectation.manual_resume:
            return
        if kind is LOG or self._is_repeated(kind, run, at):
            return
        self.history.append((at, kind, run))
        if kind is START:
            if self.state is PAUSED:
                self.state, self.waiting_since = NEW, at
        elif kind is FAIL:
            self.down_at = self.down_at if self.state is DOWN else at
            self.state = DOWN
        elif self.state is not DOWN or self._in_a_row() >= self.expectation.recovery_pings:
            self.state = UP

    def _is_repeated(self, kind: PingKind, run: UUID | None, at: datetime) -> bool:
        if run is None:
            return False
        ends = [h for h in self.history if h[1] in (SUCCESS, FAIL)]
        with_run = [h for h in ends if h[2] is not None]
        last = with_run[-1] if with_run else None
        if kind is START:
            open_start = self._open_start()
            return run in (
                open_start[2] if open_start else None,
                last[2] if last else None,
            )
        return last is not None and last[1:] == (kind, run) and at - ends[-1][0] < 72 * HOUR

    def _in_a_row(self) -> int:
        count = 0
        for at, kind, _ in reversed(self.history):
            if kind is SUCCESS and self.down_at is not None and at >= self.down_at:
                count += 1
            elif kind is not START:
                break
        return count

    def _open_start(self) -> tuple[datetime, PingKind, UUID | None] | None:
        started = None
        for each in self.history:
            if each[1] is START:
                started = each
            elif started is not None and each[2] in (None, started[2]):
                started = None
        return started

    def due(self) -> datetime | None:
        limits = []
        ends = [at for at, kind, _ in self.history if kind in (SUCCESS, FAIL)]
        if self.state is UP:
            limits.append(ends[-1] + HOUR + self.expectation.grace)
        if self.state is NEW and self.waiting_since and self.expectation.first_within:
            limits.append(self.waiting_since + self.expectation.first_within)
        started = self._open_start()
        if self.state in (UP, NEW) and started is not None and self.expectation.max_run is not None:
            limits.append(started[0] + self.expectation.max_run)
        return min(limits, default=None)

    def wait(self, now: datetime) -> None:
        due = self.due()
        if due is not None and due <= now:
            self.state, self.down_at = DOWN, due

    def pause(self) -> None:
        if self.state is not PAUSED:
            self.state = PAUSED
            # A run that had begun is forgotten.
            self.history = [each for each in self.history if each[1] is not START]

    def resume(self, now: datetime) -> None:
        if self.state is PAUSED:
            self.state, self.history, self.waiting_since = NEW, [], now


@settings(max_examples=400)
@given(expectations, events)
def test_it_does_what_the_plain_model_says(
    expectation: Expectation,
    happened: list[tuple[PingKind | str, UUID | None, int]],
) -> None:
    story, plain = Story(expectation), Plain(expectation)
    for what, run, minutes in happened:
        story.after(minutes * MINUTE)
        plain.wait(story.now)
        if what == "pause":
            pause(story.beat, story.now)
            plain.pause()
        elif what == "resume":
            resume(expectation, story.beat, story.now)
            plain.resume(story.now)
        elif isinstance(what, PingKind):
            story.ping(what, run)
            plain.take(what, run, story.now)
        assert (story.beat.state, story.beat.due_at) == (plain.state, plain.due())
        assert (story.beat.down_since is not None) == (story.beat.state is DOWN)
        assert (story.beat.due_at is None) == (story.beat.due_reason is None)
