"""When a group sends a message: the timeline by hand, and any order of events against a plain model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.routing.builders import (
    NOW,
    OTHER_TENANT,
    PAGER,
    SLACK,
    destination_id,
    rule,
    subject,
)
from tocsin.model import EventType, Severity
from tocsin.routing.group import (
    IDLE,
    Decision,
    End,
    GroupFacts,
    Grouping,
    GroupKey,
    GroupState,
    Rest,
    Send,
    SendAt,
    decide,
)
from tocsin.routing.history import NO_HISTORY
from tocsin.routing.plan import plan
from tocsin.routing.rules import DestinationRef, RoutingTable, Rule

GROUPING = Grouping(("service",))
CRITICAL, HIGH, LOW = Severity.CRITICAL, Severity.HIGH, Severity.LOW


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


@dataclass
class Group:
    """What the database keeps of one, in the simplest way."""

    grouping: Grouping = GROUPING
    state: GroupState = field(default_factory=GroupState)
    live: dict[int, Severity] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)
    pending: list[tuple[int, bool, timedelta]] = field(default_factory=list)
    ended: timedelta | None = None
    sent: list[tuple[float, tuple[int, ...], tuple[int, ...], int]] = field(default_factory=list)
    """Time, new, ended, open."""

    def trigger(self, alert: int, severity: Severity, when: timedelta) -> None:
        self.live[alert] = severity
        self.pending.append((alert, True, when))

    def end(self, alert: int, when: timedelta) -> None:
        del self.live[alert]
        if alert in self.told:
            self.ended = when
            self.pending.append((alert, False, when))
        # Nobody has heard of it: both are withdrawn.
        self.pending = [each for each in self.pending if each[0] != alert or not each[1]]

    def facts(self) -> GroupFacts:
        new = [alert for alert, is_new, _ in self.pending if is_new]
        worst = [self.live[alert] for alert in new]
        told = self.told & self.live.keys()
        return GroupFacts(
            waiting=len(self.pending),
            since=NOW + min(when for *_, when in self.pending) if self.pending else None,
            worst=max(worst, key=lambda each: each.rank) if worst else None,
            is_open=len(told | set(new)),
            told_open=len(told),
            last_end=None if self.ended is None else NOW + self.ended,
        )

    def look(self, when: timedelta) -> Decision:
        while True:
            decision = decide(self.grouping, self.state, self.facts(), NOW + when)
            match decision:
                case Send():
                    self._send(when)
                case Rest(_, over_at):
                    self.state = replace(self.state, over_at=over_at)
                    return decision
                case End():
                    self.state = GroupState()
                    self.told = set()
                    return decision
                case _:
                    return decision

    def _send(self, when: timedelta) -> None:
        new = tuple(alert for alert, is_new, _ in self.pending if is_new)
        over = tuple(alert for alert, is_new, _ in self.pending if not is_new)
        self.told |= set(new)
        shown = [self.live[alert] for alert in self.told if alert in self.live]
        self.sent.append((when.total_seconds(), new, over, len(shown)))
        self.pending = []
        self.told &= self.live.keys()
        worst = max(shown, key=lambda each: each.rank) if shown else None
        self.state = GroupState(NOW + when, worst, None if shown else NOW + when)


def test_the_timeline() -> None:
    group = Group()
    steps: list[tuple[float, str, int, Severity]] = [
        (0, "open", 1, HIGH),
        (10, "open", 2, HIGH),
        (30, "", 0, LOW),
        (60, "open", 3, CRITICAL),
        (120, "end", 2, LOW),
        (140, "open", 4, HIGH),
        (170, "end", 4, LOW),
        (360, "", 0, LOW),
        (420, "end", 1, LOW),
        (420, "end", 3, LOW),
        (540, "open", 1, HIGH),
        (600, "end", 1, LOW),
        (1_500, "open", 1, HIGH),
        (1_530, "", 0, LOW),
    ]
    for seconds, what, alert, severity in steps:
        if what == "open":
            group.trigger(alert, severity, at(seconds))
        elif what == "end":
            group.end(alert, at(seconds))
        if (seconds, alert) != (420, 1):  # both ends arrive before anybody looks
            group.look(at(seconds))

    assert group.sent == [
        (30, (1, 2), (), 2),
        (60, (3,), (), 3),
        (360, (), (2,), 2),
        (420, (), (1, 3), 0),
        (540, (1,), (), 1),
        (600, (), (1,), 0),
        (1_530, (1,), (), 1),
    ]


def test_critical_does_not_wait_and_others_wait_for_company() -> None:
    since = {"waiting": 1, "since": NOW, "is_open": 1}
    assert decide(GROUPING, GroupState(), GroupFacts(worst=CRITICAL, **since), NOW) == Send(True)  # type: ignore[arg-type]
    waits = decide(GROUPING, GroupState(), GroupFacts(worst=HIGH, **since), NOW)  # type: ignore[arg-type]
    assert waits == SendAt(NOW + at(30))


def test_what_comes_back_after_the_linger_is_a_new_group() -> None:
    state = GroupState(NOW, None, NOW)
    for seconds, begins in ((600, False), (601, True)):
        since = NOW + at(seconds)
        facts = GroupFacts(waiting=1, since=since, worst=CRITICAL, is_open=1)
        assert decide(GROUPING, state, facts, since) == Send(begins)


def test_with_nothing_to_say_it_rests_and_ends_when_all_have_been_over_for_long() -> None:
    over = GroupState(NOW, None, NOW)
    assert decide(GROUPING, over, GroupFacts(), NOW + at(1)) == Rest(NOW + at(600), NOW)
    assert decide(GROUPING, over, GroupFacts(), NOW + at(600)) == End()
    assert decide(GROUPING, GroupState(), GroupFacts(), NOW) == End()
    open_still = GroupFacts(is_open=1, told_open=1)
    assert decide(GROUPING, GroupState(NOW, HIGH), open_still, NOW) == Rest(NOW + IDLE, None)


EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(Severity), st.integers(0, 400)), max_size=40
)


@given(EVENTS)
def test_any_order_of_events_against_what_is_promised(
    events: list[tuple[int, Severity, int]],
) -> None:
    group, clock, opened = Group(), 0, dict[int, float]()
    heard: dict[int, float] = {}
    for alert, severity, pause in events:
        # Time passes as the clock would have it: a look whenever one is due.
        until = clock + pause
        while True:
            decision = group.look(at(clock))
            due = decision.until if isinstance(decision, SendAt | Rest) else None
            if due is None or due > NOW + at(until):
                break
            clock = max(clock, int((due - NOW).total_seconds()))
        clock = until
        if alert in group.live:
            group.end(alert, at(clock))
            opened.pop(alert, None)
        else:
            group.trigger(alert, severity, at(clock))
            opened[alert] = clock
        group.look(at(clock))
        for when, new, _, _ in group.sent:
            for each in new:
                heard.setdefault(each, when)
        for each, since in list(opened.items()):
            if each in group.told:
                del opened[each]
                continue
            # Nothing that is live waits for longer than an interval; what is worst, not at all.
            assert clock - since <= 300
            # What is worse than all that the last message showed as open, not at all.
            if group.state.told is not CRITICAL:
                assert group.live[each] is not CRITICAL
    times = [when for when, *_ in group.sent]
    assert times == sorted(times)
    live: set[int] = set()
    for _, new, over, shown in group.sent:
        # One that ended and came back between two messages is in both.
        assert not (set(new) - set(over)) & live, "nobody is told twice of one event"
        assert set(over) <= live
        live = (live - set(over)) | set(new)
        assert shown <= len(live)
    for (before, *_), (after, new, _, shown) in zip(group.sent, group.sent[1:], strict=False):
        assert after - before >= 300 or new or shown == 0, "only news that cannot wait comes early"


# What a rule gathers


def table(*rules: Rule, kind: str = "slack", incidents: bool = False) -> RoutingTable:
    refs = {id: DestinationRef(id, "x", kind, True, incidents) for id in (SLACK, PAGER)}
    return RoutingTable(UUID(int=1), rules=rules, destinations=refs)


def planned(routing: RoutingTable, **changes: object) -> list[tuple[str, str, object]]:
    who = subject({"service": "checkout"}, **changes)  # type: ignore[arg-type]
    found = plan(routing, EventType.TRIGGERED, who, NO_HISTORY, NOW).deliveries
    return [
        (each.status.value, each.reason.value, each.group and each.group.labels) for each in found
    ]


def test_a_rule_that_groups_gathers_and_says_by_what() -> None:
    assert planned(table(rule(grouping=GROUPING))) == [
        ("deferred", "grouped", {"service": "checkout"})
    ]


def test_a_rule_that_sends_outweighs_one_that_gathers() -> None:
    assert planned(table(rule(1, grouping=GROUPING), rule(2))) == [("queued", "rule", None)]


def test_pagerduty_gets_each_alert_by_itself() -> None:
    assert planned(table(rule(grouping=GROUPING), kind="pagerduty")) == [("queued", "rule", None)]


def test_pagerduty_gets_groups_where_it_is_told_to() -> None:
    routing = table(rule(grouping=GROUPING), kind="pagerduty", incidents=True)
    assert planned(routing) == [("deferred", "grouped", {"service": "checkout"})]


def test_a_table_with_a_rule_that_groups_may_hold() -> None:
    assert table(rule(grouping=GROUPING)).can_hold
    assert not table(rule()).can_hold


@pytest.mark.parametrize("other", [{"tenant_id": OTHER_TENANT}, {"labels": {"service": "cart"}}])
def test_neither_other_tenants_nor_other_values_are_one_group(other: dict[str, object]) -> None:
    mine = GroupKey.of(GROUPING, UUID(int=1), SLACK, subject({"service": "checkout"}))
    same = GroupKey.of(GROUPING, UUID(int=1), SLACK, subject({"service": "checkout", "x": "y"}))
    theirs = subject(**({"labels": {"service": "checkout"}} | other))  # type: ignore[arg-type]

    assert mine.id == same.id
    assert mine.id != GroupKey.of(GROUPING, UUID(int=1), SLACK, theirs).id
    assert mine.id != GroupKey.of(GROUPING, UUID(int=1), destination_id(9), theirs).id


def test_a_label_that_is_missing_counts_as_empty() -> None:
    key = GroupKey.of(Grouping(("service", "severity")), UUID(int=1), SLACK, subject({}))

    assert key.labels == {"service": "", "severity": "HIGH"}
