"""The plan: who is told of an event, when, and why not.

Per destination, whatever the number of rules that name it, in this order:

1. It is disabled: `suppressed`, reason `destination_disabled`.
2. A silence mutes the alert: `suppressed`, reason `silence`. One exception, because a person who
   was woken must learn that it is over: the end (resolved, closed) of an alert whose trigger the
   destination was told of is told all the same.
3. Each rule says *suppress* (its cooldown runs; or this is what followed a trigger that was never
   sent), *defer* (its quiet hours reign) or *send*. The kindest opinion wins: one that sends
   outweighs one that defers, and that outweighs one that suppresses. In doubt, alert.

A rule that told of a trigger stays with that alert to its end: an alert that fell from CRITICAL to
LOW still ends where it began, or an incident would stay open there forever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from tocsin.model import AlertDeliveryStatus, EventType, Reason, iso
from tocsin.routing.history import NO_HISTORY, History, ToldTrigger
from tocsin.routing.judge import Judge
from tocsin.routing.rules import DestinationRef, RoutingTable, Rule, RuleIndex, Silence, Subject
from tocsin.routing.verdicts import Verdict, verdicts

__all__ = [
    "NOTHING",
    "NO_HISTORY",
    "History",
    "Plan",
    "PlannedDelivery",
    "ToldTrigger",
    "Verdict",
    "plan",
    "verdicts",
]

_ENDINGS = frozenset({EventType.RESOLVED, EventType.CLOSED})


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """One row owed to one destination. `rule_id` is the first rule, by position, that named it."""

    destination_id: UUID
    rule_id: UUID
    status: AlertDeliveryStatus
    reason: Reason
    send_after: datetime | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """`cooldowns` are to be remembered: rule, destination, and when the cooldown ends. They belong
    to the problem (`problem_of`); if the delivery is canceled unsent, they go with it."""

    deliveries: Sequence[PlannedDelivery] = ()
    cooldowns: Sequence[tuple[UUID, UUID, datetime]] = ()


NOTHING = Plan()


class _Act(StrEnum):
    """What one rule would do with the event, the kindest last."""

    SUPPRESS = "suppress"
    DEFER = "defer"
    SEND = "send"


class _Naming(NamedTuple):
    """A rule that names a destination; `kept` if only because it told of the trigger."""

    rule: Rule
    kept: bool

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"id": str(self.rule.id), "name": self.rule.name}
        if self.kept:
            document["kept_from_trigger"] = True
        return document


class _Opinion(NamedTuple):
    naming: _Naming
    act: _Act
    reason: Reason
    until: datetime | None = None

    @property
    def rule(self) -> Rule:
        return self.naming.rule

    def document(self) -> dict[str, Any]:
        document = self.naming.document()
        document["act"] = self.act.value
        if self.act is not _Act.SEND:
            document["reason"] = self.reason.value
        if self.until is not None:
            document["until"] = iso(self.until)
        return document


def plan(
    table: RoutingTable,
    event_type: EventType,
    subject: Subject,
    history: History,
    now: datetime,
    judge: Judge | None = None,
) -> Plan:
    """Decides what is owed to whom for one event of one alert at `now` (aware). `judge` remembers
    what matchers said to alerts before; one that is overdrawn afterwards makes it no plan at all."""
    listening = table.listening.get(event_type)
    if listening is None:
        return NOTHING
    judge = judge or Judge()
    named = _named(listening, event_type, subject, history, judge)
    if not named:
        return NOTHING
    silence = table.silence_for(subject, now, judge)
    deliveries: list[PlannedDelivery] = []
    cooldowns: list[tuple[UUID, UUID, datetime]] = []
    for destination_id, rules in named.items():
        destination = table.destinations.get(destination_id)
        if destination is None:  # deleted since; the rule's verdict says so
            continue
        told = history.told_trigger.get(destination_id)
        held = _held_back(destination, silence, event_type, rules, told)
        if held is not None:
            deliveries.append(held)
            continue
        opinions = [
            _opinion(each, destination_id, event_type, subject, history, now) for each in rules
        ]
        delivery = _weigh(destination_id, opinions)
        deliveries.append(delivery)
        if event_type is EventType.TRIGGERED and delivery.status is AlertDeliveryStatus.QUEUED:
            cooldowns += _started(opinions, destination_id, subject, now)
    return Plan(deliveries, cooldowns)


def _named(
    listening: RuleIndex,
    event_type: EventType,
    subject: Subject,
    history: History,
    judge: Judge,
) -> dict[UUID, list[_Naming]]:
    """Each destination that is named for this event, with the rules that name it, in order."""
    named: dict[UUID, list[_Naming]] = {}
    told_by: set[UUID] = set()
    if event_type is not EventType.TRIGGERED:
        told_by.update(*(told.rule_ids for told in history.told_trigger.values()))
    for rule in listening.may_match(subject, told_by):
        matches = rule.matches(subject, judge)
        if not matches and event_type is EventType.TRIGGERED:
            continue
        for destination_id in rule.destination_ids:
            if matches or _told_by(rule, destination_id, history):
                named.setdefault(destination_id, []).append(_Naming(rule, not matches))
    return named


def _told_by(rule: Rule, destination_id: UUID, history: History) -> bool:
    told = history.told_trigger.get(destination_id)
    return told is not None and told.counts_as_told and rule.id in told.rule_ids


def _held_back(
    destination: DestinationRef,
    silence: Silence | None,
    event_type: EventType,
    rules: list[_Naming],
    told: ToldTrigger | None,
) -> PlannedDelivery | None:
    """Steps 1 and 2: what holds whichever rule asks."""
    if not destination.is_enabled:
        return _suppressed(destination.id, rules, Reason.DESTINATION_DISABLED, {})
    if silence is None:
        return None
    if event_type in _ENDINGS and told is not None and told.counts_as_told:
        return None
    muting = {
        "id": str(silence.id),
        "author": silence.author,
        "comment": silence.comment,
        "ends_at": iso(silence.ends_at),
        "matchers": [str(matcher) for matcher in silence.matchers],
    }
    return _suppressed(destination.id, rules, Reason.SILENCE, {"silence": muting})


def _suppressed(
    destination_id: UUID, rules: list[_Naming], reason: Reason, detail: dict[str, Any]
) -> PlannedDelivery:
    status = AlertDeliveryStatus.SUPPRESSED
    detail = {"rules": [each.document() for each in rules], **detail}
    return PlannedDelivery(destination_id, rules[0].rule.id, status, reason, None, detail)


def _opinion(
    naming: _Naming,
    destination_id: UUID,
    event_type: EventType,
    subject: Subject,
    history: History,
    now: datetime,
) -> _Opinion:
    """Step 3, for one rule."""
    rule = naming.rule
    wait: datetime | None = None
    if event_type is EventType.TRIGGERED:
        cooling_until = _cooling_until(rule, destination_id, subject, history, now)
        if cooling_until is not None:
            return _Opinion(naming, _Act.SUPPRESS, Reason.COOLDOWN, cooling_until)
    else:
        told = history.told_trigger.get(destination_id)
        if told is not None:
            if EventType.TRIGGERED in rule.event_types and not told.counts_as_told:
                return _Opinion(naming, _Act.SUPPRESS, Reason.TRIGGER_NOT_SENT)
            if told.status is AlertDeliveryStatus.DEFERRED:
                wait = told.send_after
    if rule.quiet_hours is not None:
        quiet_until = rule.quiet_hours.hold(subject.severity, now)
        if quiet_until is not None and (wait is None or quiet_until > wait):
            wait = quiet_until
    if wait is not None and wait > now:
        return _Opinion(naming, _Act.DEFER, Reason.QUIET_HOURS, wait)
    return _Opinion(naming, _Act.SEND, Reason.RULE)


def _cooling_until(
    rule: Rule, destination_id: UUID, subject: Subject, history: History, now: datetime
) -> datetime | None:
    if not rule.cooldown_seconds or subject.external_id is None:
        return None
    told_at = history.last_told.get((rule.id, destination_id))
    if told_at is None:
        return None
    cooldown = timedelta(seconds=rule.cooldown_seconds)
    # A node whose clock runs ahead must not silence the others for longer than a cooldown.
    return told_at + cooldown if -cooldown < now - told_at < cooldown else None


def _weigh(destination_id: UUID, opinions: list[_Opinion]) -> PlannedDelivery:
    """The kindest opinion decides; of equal ones, that which waits least, then the first."""
    sending = [each for each in opinions if each.act is _Act.SEND]
    deferring = [each for each in opinions if each.act is _Act.DEFER]
    until: datetime | None = None
    if sending:
        status, deciding = AlertDeliveryStatus.QUEUED, sending[0]
    elif deferring:
        status, deciding = AlertDeliveryStatus.DEFERRED, min(deferring, key=_ends)
        until = deciding.until
    else:
        status, deciding = AlertDeliveryStatus.SUPPRESSED, min(opinions, key=_ends)
    detail: dict[str, Any] = {
        "rules": [each.document() for each in opinions],
        "decided_by": str(deciding.rule.id),
    }
    if deciding.rule.matchers:
        detail["matchers"] = [str(matcher) for matcher in deciding.rule.matchers]
    if deciding.until is not None:
        detail["until"] = iso(deciding.until)
    if deciding.reason is Reason.QUIET_HOURS and deciding.rule.quiet_hours is not None:
        detail["quiet_hours"] = deciding.rule.quiet_hours.document()
    if deciding.reason is Reason.COOLDOWN:
        detail["cooldown_seconds"] = deciding.rule.cooldown_seconds
    first = opinions[0].rule.id
    return PlannedDelivery(destination_id, first, status, deciding.reason, until, detail)


def _ends(opinion: _Opinion) -> float:
    return float("inf") if opinion.until is None else opinion.until.timestamp()


def _started(
    opinions: list[_Opinion], destination_id: UUID, subject: Subject, now: datetime
) -> list[tuple[UUID, UUID, datetime]]:
    """The cooldowns that begin because the destination is told now. Deferring starts none: what is
    resolved before it is sent was never told, and must not mute the next time."""
    if subject.external_id is None:
        return []
    return [
        (each.rule.id, destination_id, now + timedelta(seconds=each.rule.cooldown_seconds))
        for each in opinions
        if each.rule.cooldown_seconds and each.act is not _Act.SUPPRESS
    ]
