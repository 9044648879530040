"""The plan against a plain slow model of it, which knows each rule of the game by one sentence."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.routing.builders import (
    ALL_EVENTS,
    GONE,
    NOW,
    OTHER_TENANT,
    PAGER,
    SLACK,
    TENANT,
    quiet_hours,
    rule,
    rule_id,
    silence,
    subject,
    table,
)
from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity
from tocsin.routing.plan import History, NotifiedTrigger, plan, verdicts
from tocsin.routing.rules import Matcher, RoutingTable, Rule, Subject
from tocsin.routing.validation import RULE_EVENT_TYPES

Status = AlertDeliveryStatus
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)

matchers = st.builds(
    Matcher,
    st.sampled_from(["team", "severity", "absent"]),
    st.sampled_from(["=", "!=", "=~", "!~"]),
    st.sampled_from(["db", "web", "HIGH", "", "d.*", "HIGH|LOW"]),
)
few_matchers = st.just(()) | st.just(()) | st.lists(matchers, max_size=2).map(tuple)
quiet = st.builds(
    quiet_hours,
    st.sampled_from(["10:00", "10:00", "12:00", "13:00"]),
    st.sampled_from(["12:00", "14:00", "09:00"]),
    breakthrough=st.none() | st.none() | st.sampled_from(Severity),
)

some_events = st.frozensets(st.sampled_from(RULE_EVENT_TYPES))


@st.composite
def rules(draw: st.DrawFn, number: int) -> Rule:
    return rule(
        number,
        *draw(st.lists(st.sampled_from([SLACK, PAGER, GONE]), min_size=1, max_size=3)),
        is_enabled=draw(st.sampled_from([True, True, True, False])),
        event_types=draw(
            st.just(ALL_EVENTS)
            | st.just(ALL_EVENTS)
            | st.frozensets(st.sampled_from(RULE_EVENT_TYPES))
        ),
        min_severity=draw(st.none() | st.none() | st.sampled_from(Severity)),
        tenant_ids=draw(
            st.none()
            | st.none()
            | st.frozensets(st.sampled_from([TENANT, OTHER_TENANT]), min_size=1)
        ),
        matchers=draw(few_matchers),
        cooldown_seconds=draw(st.sampled_from([None, 60, 3600])),
        quiet_hours=draw(st.none() | quiet | quiet),
        position=draw(st.integers(0, 2)),
    )


@st.composite
def tables(draw: st.DrawFn) -> RoutingTable:
    count = draw(st.integers(1, 3))
    return table(
        *[draw(rules(number)) for number in range(count)],
        silences=tuple(
            silence(
                *draw(st.lists(matchers, min_size=1, max_size=2)),
                starts_at=NOW + draw(st.integers(-2, 1)) * HOUR,
                ends_at=NOW + draw(st.integers(-1, 2)) * HOUR,
                number=number,
            )
            for number in range(draw(st.sampled_from([0, 0, 0, 1, 2])))
        ),
        disabled=draw(st.sampled_from([frozenset(), frozenset(), frozenset({SLACK})])),
    )


subjects = st.builds(
    subject,
    st.sampled_from([{"team": "db"}, {"team": "web"}, {}]),
    st.sampled_from(Severity),
    st.sampled_from(["disk-7", "disk-7", "disk-7", None]),
    tenant_id=st.sampled_from([TENANT, TENANT, OTHER_TENANT]),
)
notified_triggers = st.builds(
    NotifiedTrigger,
    st.sampled_from(Status),
    st.just(Reason.RULE),
    st.sampled_from([None, NOW, NOW + HOUR, NOW + 3 * HOUR]),
    st.frozensets(st.sampled_from([rule_id(each) for each in range(3)])),
)
RULE_IDS = [rule_id(each) for each in range(3)]
last_notifications = st.sampled_from(
    [None, NOW, NOW - 30 * SECOND, NOW - 60 * SECOND, NOW - HOUR, NOW - 2 * HOUR]
)


def some(keys: list[object], values: st.SearchStrategy[object]) -> st.SearchStrategy[dict]:  # type: ignore[type-arg]
    return st.tuples(*[values for _ in keys]).map(
        lambda drawn: {key: value for key, value in zip(keys, drawn, strict=True) if value}
    )


histories = st.builds(
    History,
    some([(each, to) for each in RULE_IDS for to in (SLACK, PAGER)], last_notifications),
    some([SLACK, PAGER], st.none() | notified_triggers),
)


def is_quiet_until(one: Rule, about: Subject) -> object:
    """NOW is noon in UTC, so the few quiet hours drawn above can be read off."""
    if one.quiet_hours is None:
        return None
    (hours,) = one.quiet_hours.windows
    least = hours.breakthrough_severity
    if least is not None and list(Severity).index(about.severity) <= list(Severity).index(least):
        return None
    ends = {
        ("10:00", "14:00"): 2,
        ("12:00", "14:00"): 2,
        ("10:00", "09:00"): 21,
        ("12:00", "12:00"): None,  # without end, so not at all
        ("12:00", "09:00"): 21,
        ("13:00", "12:00"): None,
        ("13:00", "14:00"): None,
        ("13:00", "09:00"): None,
        ("10:00", "12:00"): None,
    }[hours.start, hours.end]
    return None if ends is None else NOW + ends * HOUR


def model(
    routing: RoutingTable, event_type: EventType, about: Subject, history: History
) -> dict[UUID, tuple[object, ...]]:
    """Per destination: status, reason, send_after and rule."""
    said = {}
    for destination in routing.destinations.values():
        notified = history.notified_trigger.get(destination.id)
        was_notified = notified is not None and notified.status not in (
            Status.SUPPRESSED,
            Status.CANCELED,
        )
        is_trigger = event_type is EventType.TRIGGERED
        # What says by itself how an alert stands goes to whoever listens to triggers.
        is_note = event_type in (EventType.FLAPPING, EventType.SETTLED)
        listened = EventType.TRIGGERED if is_note else event_type
        naming = []
        for one in sorted(routing.rules, key=lambda one: (one.position, one.id)):
            # A rule names a destination if it is on, listens, and matches, or notified of the trigger.
            if not one.is_enabled or listened not in one.event_types:
                continue
            # None of these rules reminds.
            if (
                event_type in (EventType.TEST, EventType.REMINDER)
                or destination.id not in one.destination_ids
            ):
                continue
            severe = one.min_severity is None or about.severity.at_least(one.min_severity)
            ours = one.tenant_ids is None or about.tenant_id in one.tenant_ids
            matches = severe and ours and all(each.matches(about) for each in one.matchers)
            stays = (
                not is_trigger
                and was_notified
                and notified is not None
                and one.id in notified.rule_ids
            )
            if matches or stays:
                naming.append(one)
        if not naming:
            continue
        first = naming[0].id
        if not destination.is_enabled:
            said[destination.id] = (Status.SUPPRESSED, Reason.DESTINATION_DISABLED, None, first)
            continue
        silenced = max(
            (
                each.ends_at
                for each in routing.silences
                if each.starts_at <= NOW < each.ends_at
                and all(matcher.matches(about) for matcher in each.matchers)
            ),
            default=None,
        )
        is_end = event_type in (EventType.RESOLVED, EventType.CLOSED)
        waits = (
            not is_trigger
            and not is_note
            and notified is not None
            and notified.status is Status.DEFERRED
        )
        if is_end and was_notified and not waits:
            silenced = None
        # What holds it whatever the rules say: reason and end, of which a trigger's may be unknown.
        held = [(notified.reason, notified.send_after)] if waits and notified is not None else []
        held += [] if silenced is None else [(Reason.SILENCE, silenced)]
        sends, rules_hold = False, []
        for one in naming:
            last = history.last_notified.get((one.id, destination.id))
            cooled = None if last is None else last + timedelta(seconds=one.cooldown_seconds or 0)
            cooling = (
                is_trigger and about.external_id is not None and cooled is not None and cooled > NOW
            )
            no_news = (
                not is_trigger
                and not is_note
                and EventType.TRIGGERED in one.event_types
                and notified is not None
                and not was_notified
            )
            if no_news:
                continue
            quiet_until = is_quiet_until(one, about)
            holds = [] if quiet_until is None else [(Reason.QUIET_HOURS, quiet_until)]
            holds += [(Reason.COOLDOWN, cooled)] if cooling else []
            sends = sends or not holds
            rules_hold.append((max((end for _, end in holds), default=None), holds))  # type: ignore[type-var]
        if not rules_hold:
            said[destination.id] = (Status.SUPPRESSED, Reason.TRIGGER_NOT_SENT, None, first)
            continue
        if not sends:
            held += min(rules_hold, key=lambda each: each[0])[1]  # type: ignore[arg-type,return-value]
        if not held:
            said[destination.id] = (Status.QUEUED, Reason.RULE, None, first)
            continue
        ends = [end for _, end in held]
        until = None if None in ends else max(ends)  # type: ignore[type-var]
        said[destination.id] = (Status.DEFERRED, held[0][0], until, first)
    return said


@settings(max_examples=600, deadline=None)
@given(
    routing=tables(),
    event_type=st.sampled_from([EventType.TRIGGERED, *EventType]),
    about=subjects,
    history=histories,
)
def test_the_plan_is_what_the_plain_model_says(
    routing: RoutingTable, event_type: EventType, about: Subject, history: History
) -> None:
    made = plan(routing, event_type, about, history, NOW)
    expected = model(routing, event_type, about, history)
    assert len(made.deliveries) == len(expected)
    assert expected == {
        each.destination_id: (each.status, each.reason, each.send_after, each.rule_id)
        for each in made.deliveries
    }
    for each in made.deliveries:
        event(f"{each.status.value} {each.reason.value}")
        assert each.detail["rules"][0]["id"] == str(each.rule_id)
        assert each.send_after is None or each.status is Status.DEFERRED
        assert ("holds" in each.detail) == (each.status is Status.DEFERRED)
    queued = {each.destination_id for each in made.deliveries if each.status is Status.QUEUED}
    for rule_of, destination, until in made.cooldowns:
        assert event_type is EventType.TRIGGERED
        assert destination in queued
        assert until > NOW
        last = history.last_notified.get((rule_of, destination))
        seconds = next(one.cooldown_seconds for one in routing.rules if one.id == rule_of)
        assert seconds
        assert last is None or last + timedelta(seconds=seconds) <= NOW


@settings(max_examples=200, deadline=None)
@given(routing=tables(), event_type=st.sampled_from(EventType), about=subjects)
def test_verdicts_say_the_same_story_as_the_plan(
    routing: RoutingTable, event_type: EventType, about: Subject
) -> None:
    if event_type is EventType.TEST:
        return
    judged = verdicts(routing, event_type, about, NOW)
    assert [each.rule_id for each in judged] == [one.id for one in routing.rules]
    matched = {each.rule_id: each for each in judged if each.matched}
    named = {
        UUID(one["id"])
        for each in plan(routing, event_type, about, History(), NOW).deliveries
        for one in each.detail["rules"]
    }
    only_gone = {
        each.rule_id
        for each in matched.values()
        if set(each.destination_ids) == set(each.missing_destination_ids)
    }
    assert named == set(matched) - only_gone
