"""The plan: who is notified of an event, when, and why not.

Per destination, whatever the number of rules that name it, in this order:

1. It is disabled: `suppressed`, reason `destination_disabled`.
2. Each rule that names it says *suppress* (this is what followed a trigger that was never sent), *defer*
   (a hold of the rule applies: quiet hours, its cooldown), *gather* (the rule groups) or *send*. The
   most permissive opinion wins: one that sends outweighs one that gathers, that outweighs one that
   defers, and that one that suppresses. In doubt, alert.
3. A hold of the alert (a silence, a snooze) defers whatever the rules say. One exception, because a
   person who was woken must learn that it is over: the end (resolved, closed) of an alert whose trigger
   the destination was notified of.
4. What follows a trigger that is still held waits with it.

What is gathered is `deferred`, too, until its group sends a message (`group.py`).

What is deferred is looked at again when its holds end (`look.py`); the row says all that apply.

A rule that notified of a trigger stays with that alert to its end: an alert that fell from CRITICAL to
LOW still ends where it began, or an incident would stay open there forever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct

from tocsin.model import AlertDeliveryStatus, EventType, Reason, iso
from tocsin.routing.group import GroupKey
from tocsin.routing.history import NO_HISTORY, History, NotifiedTrigger
from tocsin.routing.holds import OF_ALERT, OF_RULE
from tocsin.routing.holds.base import AlertFacts, Held, RuleFacts
from tocsin.routing.judge import Judge
from tocsin.routing.matchers import read_label
from tocsin.routing.rules import DestinationRef, RoutingTable, Rule, RuleIndex, Subject
from tocsin.routing.verdicts import Verdict, verdicts

__all__ = [
    "NOTHING",
    "NO_HISTORY",
    "History",
    "NotifiedTrigger",
    "Plan",
    "PlannedDelivery",
    "Verdict",
    "plan",
    "verdicts",
]

ENDINGS = frozenset({EventType.RESOLVED, EventType.CLOSED})
NOTES = frozenset({EventType.FLAPPING, EventType.SETTLED})
"""They say by themselves how an alert stands, whatever was said or held before."""
_NEWS = NOTES | {EventType.TRIGGERED}
_REMINDED = frozenset({EventType.TRIGGERED, EventType.REMINDER, *NOTES})

StartedCooldowns = Sequence[tuple[UUID, UUID, datetime]]
"""Rule, destination, and when the cooldown ends."""


class PlannedDelivery(Struct, frozen=True):
    """One row for one destination. `rule_id` is the first of `rule_ids`, by position, which named it.
    `cooldowns` begin because of it."""

    destination_id: UUID
    rule_id: UUID
    status: AlertDeliveryStatus
    reason: Reason
    send_after: datetime | None
    detail: dict[str, Any]
    rule_ids: frozenset[UUID]
    cooldowns: StartedCooldowns = ()
    remind_after: timedelta | None = None
    """After which the destination is to be notified again, if it is notified now."""
    group: GroupKey | None = None
    """Where it waits for others, if it is `deferred` for that."""


class Plan(Struct, frozen=True):
    """`cooldowns` are to be remembered. They belong to the alert key (`alert_key_id`); if the delivery
    is canceled unsent, they go with it."""

    deliveries: Sequence[PlannedDelivery] = ()
    cooldowns: StartedCooldowns = ()


NOTHING = Plan()


class Occasion(Struct, frozen=True):
    """What is decided about: one event of one alert at one moment (aware)."""

    table: RoutingTable
    event_type: EventType
    subject: Subject
    history: History
    now: datetime
    judge: Judge

    @property
    def facts(self) -> AlertFacts:
        return AlertFacts(self.table, self.event_type, self.subject, self.now, self.judge)

    def held(self) -> tuple[Held, ...]:
        """By what the alert is held, whichever rule asks."""
        subject = self.subject
        if subject.snooze is None and subject.flaps is None and not self.table.holds_alerts:
            return ()
        facts = self.facts
        applying = [hold.applies(facts) for hold in OF_ALERT]
        return tuple([held for held in applying if held is not None])


class _Act(StrEnum):
    """What one rule would do with the event, the most permissive last."""

    SUPPRESS = "suppress"
    DEFER = "defer"
    GATHER = "gather"
    SEND = "send"


class Naming(NamedTuple):
    """A rule that names a destination; `kept` if only because it named it before."""

    rule: Rule
    kept: bool

    def document(self) -> Mapping[str, Any]:
        if self.kept:
            return {**self.rule.named, "kept_from_trigger": True}
        return self.rule.named


class _Opinion(NamedTuple):
    naming: Naming
    act: _Act
    holds: tuple[Held, ...] = ()

    @property
    def rule(self) -> Rule:
        return self.naming.rule

    @property
    def ends(self) -> float:
        """When all its holds are over."""
        until = last_end(self.holds)
        return float("inf") if until is None else until.timestamp()

    def document(self) -> dict[str, Any]:
        document = {**self.naming.document(), "act": self.act.value}
        if self.act is _Act.SUPPRESS:
            document["reason"] = Reason.TRIGGER_NOT_SENT.value
        elif self.holds:
            document["reason"] = self.holds[0].reason.value
            if (until := last_end(self.holds)) is not None:
                document["until"] = iso(until)
        return document


def plan(
    table: RoutingTable,
    event_type: EventType,
    subject: Subject,
    history: History,
    now: datetime,
    judge: Judge | None = None,
) -> Plan:
    """Decides who is to be notified of one event of one alert at `now` (aware). `judge` remembers what
    matchers said to alerts before; one that is overdrawn afterwards makes it no plan at all."""
    listening = table.listening.get(event_type)
    if listening is None:
        return NOTHING
    occasion = Occasion(table, event_type, subject, history, now, judge or Judge())
    named = _named(listening, occasion)
    if not named:
        return NOTHING
    held = occasion.held()
    deliveries: list[PlannedDelivery] = []
    cooldowns: list[tuple[UUID, UUID, datetime]] = []
    for destination_id, rules in named.items():
        destination = table.destinations.get(destination_id)
        if destination is None:  # deleted since; the rule's verdict says so
            continue
        delivery = decide(occasion, destination, rules, held)
        deliveries.append(delivery)
        cooldowns += delivery.cooldowns
    return Plan(deliveries, cooldowns)


def _named(listening: RuleIndex, occasion: Occasion) -> dict[UUID, list[Naming]]:
    """Each destination that is named for this event, with the rules that name it, in order."""
    named: dict[UUID, list[Naming]] = {}
    notified_by: set[UUID] = set()
    if occasion.event_type is not EventType.TRIGGERED:
        notified_by.update(
            *(notified.rule_ids for notified in occasion.history.notified_trigger.values())
        )
    for rule in listening.may_match(occasion.subject, notified_by):
        matches = rule.matches(occasion.subject, occasion.judge)
        if not matches and occasion.event_type is EventType.TRIGGERED:
            continue
        for destination_id in rule.destination_ids:
            if matches or _notified_by(rule, destination_id, occasion):
                named.setdefault(destination_id, []).append(Naming(rule, not matches))
    return named


def _notified_by(rule: Rule, destination_id: UUID, occasion: Occasion) -> bool:
    notified = occasion.history.notified_trigger.get(destination_id)
    if notified is None or not notified.counts_as_notified:
        return False
    if notified.is_past and occasion.event_type is EventType.ACKNOWLEDGED:
        # It was told that it is over, and not that it is open again.
        return False
    return rule.id in notified.rule_ids


def decide(
    occasion: Occasion,
    destination: DestinationRef,
    rules: Sequence[Naming],
    held: tuple[Held, ...],
) -> PlannedDelivery:
    """What becomes of the event at one destination; `rules`, at least one, name it, and `held` is
    `occasion.held()`."""
    if not destination.is_enabled:
        return PlannedDelivery(
            destination.id,
            rules[0].rule.id,
            AlertDeliveryStatus.SUPPRESSED,
            Reason.DESTINATION_DISABLED,
            None,
            {"rules": [each.document() for each in rules]},
            frozenset([each.rule.id for each in rules]),
        )
    are_plain = all(each.rule.is_plain for each in rules)
    if are_plain and occasion.event_type is EventType.TRIGGERED and not held:
        return _decide_cached(occasion, destination, rules)
    return _decide_uncached(occasion, destination, rules, held)


DECIDED = 128
"""Decisions that one table remembers."""


def _decide_cached(
    occasion: Occasion, destination: DestinationRef, rules: Sequence[Naming]
) -> PlannedDelivery:
    """What the same rules of the table decided for the same destination, and group, before."""
    subject, known = occasion.subject, occasion.table.decided
    grouped_by = [
        read_label(subject, label)
        for each in rules
        if each.rule.grouping is not None
        for label in each.rule.grouping.by
    ]
    # What is named by its address lives as long as the table.
    key = (
        id(destination),
        subject.tenant_id,
        *[(id(each.rule), each.kept) for each in rules],
        *grouped_by,
    )
    delivery: PlannedDelivery | None = known.get(key)
    if delivery is None:
        if len(known) >= DECIDED:
            known.clear()
        delivery = known[key] = _decide_uncached(occasion, destination, rules, ())
    return delivery


def _decide_uncached(
    occasion: Occasion,
    destination: DestinationRef,
    rules: Sequence[Naming],
    held: tuple[Held, ...],
) -> PlannedDelivery:
    notified = occasion.history.notified_trigger.get(destination.id)
    opinions = [_opinion(each, destination, occasion, notified) for each in rules]
    return _weigh(occasion, destination.id, opinions, held_at(occasion, notified, held))


def held_at(
    occasion: Occasion, notified: NotifiedTrigger | None, held: tuple[Held, ...]
) -> tuple[Held, ...]:
    """By what the event is held at one destination, whatever its rules say. `notified`: the trigger
    there; `held` is `occasion.held()`."""
    if notified is None or occasion.event_type in _NEWS:
        return held
    if notified.is_held:
        follows = {"follows": EventType.TRIGGERED.value}
        return (Held(notified.reason, notified.send_after, follows), *held)
    if occasion.event_type in ENDINGS and notified.counts_as_notified:
        return tuple(each for each in held if each.holds_ends)
    return held


def _opinion(
    naming: Naming,
    destination: DestinationRef,
    occasion: Occasion,
    notified: NotifiedTrigger | None,
) -> _Opinion:
    rule = naming.rule
    if (
        occasion.event_type not in _NEWS
        and notified is not None
        and not notified.counts_as_notified
        and EventType.TRIGGERED in rule.event_types
    ):
        return _Opinion(naming, _Act.SUPPRESS)
    gathers = rule.grouping and destination.takes_groups and occasion.event_type not in NOTES
    at_best = _Act.GATHER if gathers else _Act.SEND
    if rule.quiet_hours is None and not rule.cooldown_seconds:
        return _Opinion(naming, at_best)
    facts = RuleFacts(
        rule,
        destination.id,
        occasion.event_type,
        occasion.subject,
        occasion.history,
        occasion.now,
    )
    holds = tuple(held for hold in OF_RULE if (held := hold.applies(facts)) is not None)
    return _Opinion(naming, _Act.DEFER if holds else at_best, holds)


def last_end(holds: Iterable[Held]) -> datetime | None:
    """When all of them are over; None if that is not known."""
    ends = [held.until for held in holds]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def _weigh(
    occasion: Occasion, destination_id: UUID, opinions: list[_Opinion], held: tuple[Held, ...]
) -> PlannedDelivery:
    """The most permissive opinion decides; of equal ones, that which waits least, then the first.
    `held`: by what is held whatever they say."""
    sending = [each for each in opinions if each.act is _Act.SEND] or [
        each for each in opinions if each.act is _Act.GATHER
    ]
    deferring = [each for each in opinions if each.act is _Act.DEFER]
    until: datetime | None = None
    group: GroupKey | None = None
    deciding = sending[0] if sending else min(deferring or opinions, key=lambda each: each.ends)
    applying = (*held, *deciding.holds)
    if deciding.act is _Act.SUPPRESS:
        status, reason = AlertDeliveryStatus.SUPPRESSED, Reason.TRIGGER_NOT_SENT
    elif applying:
        status, reason = AlertDeliveryStatus.DEFERRED, applying[0].reason
        until = last_end(applying)
    elif deciding.act is _Act.GATHER and deciding.rule.grouping is not None:
        status, reason = AlertDeliveryStatus.DEFERRED, Reason.GROUPED
        group = GroupKey.of(
            deciding.rule.grouping, deciding.rule.id, destination_id, occasion.subject
        )
    else:
        status, reason = AlertDeliveryStatus.QUEUED, Reason.RULE
    detail: dict[str, Any] = {
        "rules": [each.document() for each in opinions],
        "decided_by": deciding.rule.named["id"],
    }
    if deciding.rule.matchers:
        detail["matchers"] = [str(matcher) for matcher in deciding.rule.matchers]
    if group is not None:
        detail["group"] = group.document()
    elif status is AlertDeliveryStatus.DEFERRED:
        every = (*applying, *(h for each in opinions if each is not deciding for h in each.holds))
        detail["holds"] = [each.document() for each in every]
    return PlannedDelivery(
        destination_id,
        opinions[0].rule.id,
        status,
        reason,
        until,
        detail,
        frozenset([each.rule.id for each in opinions]),
        _started(occasion, destination_id, opinions, reason),
        remind_after(occasion, [each.rule for each in opinions]),
        group,
    )


def remind_after(occasion: Occasion, rules: Iterable[Rule]) -> timedelta | None:
    """The shortest time after which any of the rules notifies again of what it notified of now."""
    if occasion.event_type not in _REMINDED or not occasion.table.listens(EventType.REMINDER):
        return None
    spans = [rule.remind_every_seconds for rule in rules if rule.remind_every_seconds]
    return timedelta(seconds=min(spans)) if spans else None


def _started(
    occasion: Occasion,
    destination_id: UUID,
    opinions: list[_Opinion],
    reason: Reason,
) -> StartedCooldowns:
    """The cooldowns that begin because the destination is notified now. Deferring starts none: what is
    resolved before it is sent was never heard, and must not hold the next time. One that runs does not
    begin again."""
    if (
        reason not in (Reason.RULE, Reason.GROUPED)
        or occasion.event_type is not EventType.TRIGGERED
        or not occasion.table.has_cooldowns
        or occasion.subject.external_id is None
    ):
        return ()
    return tuple(
        (
            each.rule.id,
            destination_id,
            occasion.now + timedelta(seconds=each.rule.cooldown_seconds),
        )
        for each in opinions
        if each.rule.cooldown_seconds
        and all(held.reason is not Reason.COOLDOWN for held in each.holds)
    )
