"""What a signal does to what is known of its alert key: cases, and promises that hold for any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.alerts.correlate import KeyState, Step, correlate
from tocsin.model import AlertEventKind, AlertStatus, Severity, Signal, SignalKind, WebhookStatus

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TRIGGER, ACKNOWLEDGE, RESOLVE = SignalKind.TRIGGER, SignalKind.ACKNOWLEDGE, SignalKind.RESOLVE
KINDS = (TRIGGER, ACKNOWLEDGE, RESOLVE)
K, W, S = AlertEventKind, WebhookStatus, AlertStatus

Notified = tuple[SignalKind, int | None]
"""A signal and the sender's minute, if it gives one."""


def minute(value: int) -> datetime:
    return NOON + timedelta(minutes=value)


class Timeline:
    """One alert key, and signals put to it; each is received a second after the one before."""

    def __init__(self, *, in_order: bool = False) -> None:
        self.in_order = in_order
        self.key = KeyState()
        self.steps: list[Step] = []
        self._ids = (number.to_bytes(16) for number in count(1))
        self.received_at = minute(1_000)

    def put(
        self, kind: SignalKind, at: int | None = None, severity: Severity | None = None
    ) -> Step:
        self.received_at += timedelta(seconds=1)
        signal = Signal(
            kind,
            "disk-1",
            "Disk full",
            severity,
            occurred_at=None if at is None else minute(at),
        )
        step = correlate(
            self.key,
            signal,
            new_id=next(self._ids),
            default_severity=Severity.MEDIUM,
            received_at=self.received_at,
            in_order=self.in_order,
        )
        self.steps.append(step)
        return step

    def kinds(self) -> list[AlertEventKind]:
        return [happening.kind for step in self.steps for happening in step.happenings]


def played(*signals: Notified) -> Timeline:
    timeline = Timeline()
    for kind, at in signals:
        timeline.put(kind, at)
    return timeline


@pytest.mark.parametrize(
    ("signals", "statuses", "kinds"),
    [
        ([(TRIGGER, 1)], [W.CREATED], [K.TRIGGERED]),
        ([(TRIGGER, 1), (TRIGGER, 2)], [W.CREATED, W.UPDATED], [K.TRIGGERED, K.REPEATED]),
        (
            [(TRIGGER, 1), (ACKNOWLEDGE, 2), (RESOLVE, 3)],
            [W.CREATED, W.ACKNOWLEDGED, W.RESOLVED],
            [K.TRIGGERED, K.ACKNOWLEDGED, K.RESOLVED],
        ),
        (
            [(TRIGGER, 1), (RESOLVE, 2), (TRIGGER, 3)],
            [W.CREATED, W.RESOLVED, W.CREATED],
            [K.TRIGGERED, K.RESOLVED, K.TRIGGERED],
        ),
        ([(ACKNOWLEDGE, 1)], [W.IGNORED], []),
        (
            [(TRIGGER, 1), (ACKNOWLEDGE, 2), (ACKNOWLEDGE, 3)],
            [W.CREATED, W.ACKNOWLEDGED, W.IGNORED],
            [K.TRIGGERED, K.ACKNOWLEDGED],
        ),
        # The same time is no older.
        ([(TRIGGER, 1), (RESOLVE, 1)], [W.CREATED, W.RESOLVED], [K.TRIGGERED, K.RESOLVED]),
        # Late ones.
        ([(RESOLVE, 2), (TRIGGER, 1)], [W.IGNORED, W.CREATED], [K.TRIGGERED, K.RESOLVED]),
        ([(RESOLVE, 2), (TRIGGER, 2)], [W.IGNORED, W.CREATED], [K.TRIGGERED, K.RESOLVED]),
        ([(RESOLVE, 2), (TRIGGER, 3)], [W.IGNORED, W.CREATED], [K.TRIGGERED]),
        ([(RESOLVE, 2), (RESOLVE, 1)], [W.IGNORED, W.IGNORED], []),
        (
            [(RESOLVE, 3), (TRIGGER, 1), (TRIGGER, 2)],
            [W.IGNORED, W.CREATED, W.UPDATED],
            [K.TRIGGERED, K.RESOLVED, K.OUTDATED],
        ),
        (
            [(TRIGGER, 1), (RESOLVE, 3), (TRIGGER, 2)],
            [W.CREATED, W.RESOLVED, W.UPDATED],
            [K.TRIGGERED, K.RESOLVED, K.OUTDATED],
        ),
        (
            [(TRIGGER, 1), (RESOLVE, 3), (TRIGGER, 3)],
            [W.CREATED, W.RESOLVED, W.UPDATED],
            [K.TRIGGERED, K.RESOLVED, K.OUTDATED],
        ),
        (
            [(TRIGGER, 3), (RESOLVE, 2), (ACKNOWLEDGE, 1)],
            [W.CREATED, W.IGNORED, W.IGNORED],
            [K.TRIGGERED, K.OUTDATED, K.OUTDATED],
        ),
        (
            [(TRIGGER, 1), (ACKNOWLEDGE, 5), (ACKNOWLEDGE, 7), (RESOLVE, 6)],
            [W.CREATED, W.ACKNOWLEDGED, W.IGNORED, W.IGNORED],
            [K.TRIGGERED, K.ACKNOWLEDGED, K.OUTDATED],
        ),
        (
            [(TRIGGER, 1), (RESOLVE, 3), (RESOLVE, 9), (TRIGGER, 5)],
            [W.CREATED, W.RESOLVED, W.IGNORED, W.CREATED],
            [K.TRIGGERED, K.RESOLVED, K.TRIGGERED, K.RESOLVED],
        ),
        # A sender that gives no times is taken in the order of receipt.
        (
            [(TRIGGER, None), (RESOLVE, None), (TRIGGER, None), (RESOLVE, None)],
            [W.CREATED, W.RESOLVED, W.CREATED, W.RESOLVED],
            [K.TRIGGERED, K.RESOLVED, K.TRIGGERED, K.RESOLVED],
        ),
        # One that says when it fired and not when it ended fires again.
        (
            [(TRIGGER, 1), (RESOLVE, None), (TRIGGER, 2)],
            [W.CREATED, W.RESOLVED, W.CREATED],
            [K.TRIGGERED, K.RESOLVED, K.TRIGGERED],
        ),
    ],
)
def test_cases(
    signals: list[Notified], statuses: list[WebhookStatus], kinds: list[AlertEventKind]
) -> None:
    timeline = played(*signals)
    assert [step.status for step in timeline.steps] == statuses
    assert timeline.kinds() == kinds


def test_a_repeat_counts_and_brings_its_severity() -> None:
    timeline = Timeline()
    timeline.put(TRIGGER, 1, Severity.LOW)
    worse = timeline.put(TRIGGER, 2, Severity.HIGH)
    same = timeline.put(TRIGGER, 3)
    better = timeline.put(TRIGGER, 4, Severity.INFO)
    late = timeline.put(TRIGGER, 2, Severity.CRITICAL)
    assert [step.worsened for step in timeline.steps] == [False, True, False, False, False]
    assert [h.kind for h in worse.happenings] == [K.REPEATED, K.SEVERITY_CHANGED]
    assert worse.happenings[1].detail == {"from": "LOW", "to": "HIGH"}
    assert [h.kind for h in same.happenings] == [K.REPEATED]
    assert [h.kind for h in better.happenings] == [K.REPEATED, K.SEVERITY_CHANGED]
    assert [h.kind for h in late.happenings] == [K.REPEATED]
    alert = timeline.key.alert
    assert alert is not None
    assert (alert.severity, alert.occurrence_count) == (Severity.INFO, 5)
    assert alert.last_received_at == timeline.received_at


def test_what_has_no_severity_gets_the_default() -> None:
    timeline = played((TRIGGER, 1))
    assert timeline.key.alert is not None
    assert timeline.key.alert.severity is Severity.MEDIUM


def test_a_clock_that_runs_ahead_does_not_outrank_its_own_next_signals() -> None:
    """A day ahead is noon tomorrow: the resolve that follows says the day after."""
    timeline = played((TRIGGER, 5_000), (TRIGGER, 5_001), (RESOLVE, 5_002))
    assert [step.status for step in timeline.steps] == [W.CREATED, W.UPDATED, W.RESOLVED]


def test_the_times_of_an_alert_are_the_sender_s() -> None:
    timeline = played((TRIGGER, 1), (ACKNOWLEDGE, 2), (RESOLVE, 3))
    alert = timeline.steps[-1].alert
    assert alert is not None
    assert alert.triggered_at == minute(1)
    assert alert.acknowledged_at == minute(2)
    assert alert.resolved_at == alert.last_signal_at == minute(3)


def test_an_update_changes_what_is_live_and_opens_nothing() -> None:
    timeline = Timeline()
    assert timeline.put(SignalKind.UPDATE, 1, Severity.CRITICAL).status is W.IGNORED
    timeline.put(TRIGGER, 2, Severity.LOW)
    assert timeline.put(SignalKind.UPDATE, 3, Severity.CRITICAL).status is W.UPDATED
    assert timeline.key.alert is not None
    assert timeline.key.alert.severity is Severity.CRITICAL
    timeline.put(RESOLVE, 4)
    assert timeline.put(SignalKind.UPDATE, 5, Severity.LOW).status is W.IGNORED
    assert timeline.key.alert is None


class TestEpisodes:
    """An alert that comes back after its end is a new episode, whatever start its sender gives."""

    @staticmethod
    def ended(*, in_order: bool) -> Timeline:
        timeline = Timeline(in_order=in_order)
        timeline.put(TRIGGER, 1)
        timeline.put(RESOLVE, 5)
        return timeline

    def test_the_old_start_of_a_sender_in_order_is_a_new_episode_at_once(self) -> None:
        timeline = self.ended(in_order=True)
        step = timeline.put(TRIGGER, 1)
        assert (step.status, step.flags) == (W.CREATED, ("old_start",))
        assert step.alert is not None
        assert (step.alert.status, step.alert.triggered_at) == (S.OPEN, minute(1))

    def test_elsewhere_within_a_minute_of_the_end_it_is_late(self) -> None:
        timeline = self.ended(in_order=False)
        timeline.received_at += timedelta(seconds=58)
        assert timeline.put(TRIGGER, 1).late_occurrence
        assert timeline.key.alert is None

    def test_elsewhere_after_a_minute_it_is_a_new_episode(self) -> None:
        timeline = self.ended(in_order=False)
        timeline.received_at += timedelta(seconds=60)
        step = timeline.put(TRIGGER, 1)
        assert (step.status, step.flags) == (W.CREATED, ("old_start",))

    def test_elsewhere_the_end_of_the_episode_before_does_not_end_it(self) -> None:
        timeline = self.ended(in_order=False)
        timeline.received_at += timedelta(minutes=2)
        timeline.put(TRIGGER, 1)
        assert timeline.put(RESOLVE, 5).status is W.IGNORED
        assert timeline.key.alert is not None
        assert timeline.put(RESOLVE, 6).status is W.RESOLVED

    def test_of_a_sender_in_order_the_last_word_counts(self) -> None:
        """A second Alertmanager says too late that it fires, the first once more that it is over."""
        timeline = self.ended(in_order=True)
        timeline.put(TRIGGER, 1)
        assert timeline.put(RESOLVE, 5).status is W.RESOLVED
        assert timeline.key.alert is None

    def test_the_end_of_an_earlier_start_ends_nothing(self) -> None:
        timeline = self.ended(in_order=True)
        timeline.put(TRIGGER, 6)
        assert timeline.put(RESOLVE, 5).status is W.IGNORED
        assert timeline.key.alert is not None

    def test_a_resolve_that_found_nothing_takes_nothing_from_a_sender_in_order(self) -> None:
        timeline = Timeline(in_order=True)
        timeline.put(RESOLVE, 5)
        step = timeline.put(TRIGGER, 1)
        assert step.alert is not None
        assert step.alert.status is S.OPEN


def test_what_gives_no_time_came_after_the_last_signal() -> None:
    """Also where the clock of the node that took it is behind the other's."""
    timeline = played((TRIGGER, 1))
    timeline.put(TRIGGER, None)
    timeline.received_at -= timedelta(minutes=5)
    assert timeline.put(RESOLVE, None).status is W.RESOLVED


def test_an_acknowledgement_taken_back_opens_the_alert_again() -> None:
    timeline = played((TRIGGER, 1), (ACKNOWLEDGE, 2))
    step = timeline.put(SignalKind.UNACKNOWLEDGE, 3)
    assert (step.status, step.reopened) == (W.UPDATED, True)
    assert [each.kind for each in step.happenings] == [K.UNACKNOWLEDGED]
    alert = timeline.key.alert
    assert alert is not None
    assert (alert.status, alert.acknowledged_at) == (S.OPEN, None)
    again = timeline.put(SignalKind.UNACKNOWLEDGE, 4)
    assert (again.status, again.reopened) == (W.IGNORED, False)


def test_an_older_one_takes_nothing_back() -> None:
    timeline = played((TRIGGER, 1), (ACKNOWLEDGE, 3))
    assert timeline.put(SignalKind.UNACKNOWLEDGE, 2).status is W.IGNORED
    assert timeline.key.alert is not None
    assert timeline.key.alert.status is S.ACKNOWLEDGED


times = st.one_of(st.none(), st.integers(0, 8))
anything = st.lists(st.tuples(st.sampled_from(KINDS), times), max_size=14)


@given(anything)
def test_promises_in_any_order(signals: Sequence[Notified]) -> None:
    timeline = Timeline()
    created: set[bytes] = set()
    ended: set[bytes] = set()
    for kind, at in signals:
        before = timeline.key.alert
        was = None if before is None else (before.status, before.last_signal_at)
        step = timeline.put(kind, at)
        if step.created:
            assert before is None
            assert step.alert is not None
            created.add(step.alert.id)
        if was is not None:
            assert before is not None
            # No way back, and time only goes on.
            assert not (was[0] is S.ACKNOWLEDGED and before.status is S.OPEN)
            assert before.last_signal_at >= was[1]
        if step.alert is not None and not step.alert.status.is_live:
            assert step.alert.id not in ended
            ended.add(step.alert.id)
        # Every trigger counts somewhere; nothing else makes an alert.
        assert step.created <= (kind is TRIGGER)
        assert (kind is TRIGGER) <= (step.alert_id in created)
        assert (step.status is W.UPDATED) <= (kind is TRIGGER)
    live = timeline.key.alert
    assert live is None or (live.status.is_live and live.id in created - ended)
    assert ended == created - ({live.id} if live else set())


@given(
    st.lists(
        st.tuples(st.sampled_from([TRIGGER, ACKNOWLEDGE]), st.integers(0, 8)), min_size=1
    ).filter(lambda signals: any(kind is TRIGGER for kind, _ in signals)),
    st.data(),
)
def test_where_the_resolve_is_newest_nothing_stays_open(
    signals: list[Notified], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations([*signals, (RESOLVE, 9)]))
    timeline = played(*shuffled)
    assert timeline.key.alert is None
    assert sum(step.created for step in timeline.steps) == 1


@given(anything, st.sampled_from(KINDS))
def test_the_newest_signal_decides(signals: Sequence[Notified], kind: SignalKind) -> None:
    timeline = played(*signals)
    had = timeline.key.alert is not None
    timeline.put(kind, 9 if all(at is not None for _, at in signals) else None)
    live = timeline.key.alert
    if kind is TRIGGER:
        assert live is not None
    elif kind is RESOLVE:
        assert live is None
    else:
        assert (live is not None) == had
        assert live is None or live.status is S.ACKNOWLEDGED
