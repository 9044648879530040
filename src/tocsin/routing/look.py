"""The look: what becomes of held messages of one alert at one destination.

Asked whenever a hold ends, is moved or ended early, and whenever the alert changes in a way that may
free it. It answers for each message, in their order:

1. the alert is over: canceled, `resolved_before_sent`;
2. somebody took it on meanwhile: canceled, `acknowledged_before_sent`;
3. what held it is over, and was set up to notify nobody then: canceled;
4. a hold applies: held by that, also if it waits in a group or a storm;
5. else it is sent, or goes on waiting there.

What follows a trigger shares its fate if that is canceled, and waits for it while it is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.model import AlertDeliveryStatus, AlertStatus, EventType, Reason, iso
from tocsin.routing.group import GroupKey, GroupKind
from tocsin.routing.history import History, NotifiedTrigger
from tocsin.routing.holds import HOLDS, OF_ALERT
from tocsin.routing.holds.base import AlertHold
from tocsin.routing.holds.maintenance import ended_window
from tocsin.routing.judge import Judge
from tocsin.routing.plan import (
    ENDINGS,
    NOTES,
    Naming,
    Occasion,
    PlannedDelivery,
    decide,
    held_at,
    last_end,
)
from tocsin.routing.rules import RoutingTable, Subject

_GATHERED = (Reason.GROUPED, Reason.RATE_LIMITED)

_OF_ALERT = frozenset(hold.reason for hold in OF_ALERT) - {Reason.FLAPPING}
"""What holds the whole story of an alert: its end alone is no news after that."""


@dataclass(frozen=True, slots=True)
class HeldDelivery:
    """A message that is held. `rule_ids`: the rules that named the destination when it was planned."""

    event_type: EventType
    reason: Reason
    send_after: datetime | None
    since: datetime
    rule_ids: frozenset[UUID]
    detail: dict[str, Any]
    group_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What held a message that is sent now, as the message says it."""

    reason: Reason
    since: datetime
    until: datetime
    after: str

    def document(self) -> dict[str, Any]:
        return {
            "reason": self.reason.value,
            "since": iso(self.since),
            "until": iso(self.until),
            "after": self.after,
        }


@dataclass(frozen=True, slots=True)
class Looked:
    """What becomes of one held message. `ended` is set where it is sent."""

    status: AlertDeliveryStatus
    reason: Reason
    send_after: datetime | None
    detail: dict[str, Any]
    ended: Ended | None = None
    cooldowns: Sequence[tuple[UUID, UUID, datetime]] = ()
    remind_after: timedelta | None = None
    group: GroupKey | None = None
    """Where it waits for others now."""

    @property
    def group_id(self) -> UUID | None:
        return None if self.group is None else self.group.id

    def changes(self, delivery: HeldDelivery) -> bool:
        now = (self.status, self.reason, self.send_after, self.detail.get("holds"), self.group_id)
        return now != (
            AlertDeliveryStatus.DEFERRED,
            delivery.reason,
            delivery.send_after,
            delivery.detail.get("holds"),
            delivery.group_id,
        )


def look(
    table: RoutingTable,
    destination_id: UUID,
    lane: Sequence[HeldDelivery],
    subject: Subject,
    status: AlertStatus,
    history: History,
    now: datetime,
    judge: Judge | None = None,
    *,
    triggered_again: bool = False,
    superseded: int = 0,
) -> list[Looked]:
    """One answer for each of `lane`, which are all that is held of this alert at this destination, in
    their order. `history.notified_trigger` is of what is not held; `triggered_again`: a later trigger
    than any of these is on its way, `superseded`: so many of the first are before a message that says by
    itself how the alert stands."""
    notified = history.notified_trigger.get(destination_id)
    triggers = [i for i, each in enumerate(lane) if each.event_type is EventType.TRIGGERED]
    notes = [i for i, each in enumerate(lane) if each.event_type in NOTES]
    superseded = max([superseded, *notes])
    last = None if triggered_again or not triggers else triggers[-1]
    judge = judge or Judge()
    answers = []
    for place, delivery in enumerate(lane):
        reason = _why_not(
            delivery,
            status,
            notified,
            is_last=place == last,
            is_superseded=place < superseded,
            flaps=subject.flaps is not None and subject.flaps.is_flapping,
        )
        if reason is not None:
            answer = _canceled(delivery, reason)
        else:
            known = History(
                # The cooldown that runs is its own.
                {} if delivery.reason in _GATHERED else history.last_notified,
                {} if notified is None else {destination_id: notified},
            )
            occasion = Occasion(table, delivery.event_type, subject, known, now, judge)
            answer = _decided(occasion, destination_id, delivery)
        if _tells(delivery, answer):
            notified = NotifiedTrigger(
                answer.status, answer.reason, answer.send_after, delivery.rule_ids
            )
        answers.append(answer)
    return answers


def _tells(delivery: HeldDelivery, answer: Looked) -> bool:
    """Whether what follows goes by it: a trigger, unless something else tells of it, and what is sent
    in its stead."""
    if delivery.event_type in NOTES:
        return answer.status is not AlertDeliveryStatus.CANCELED
    return delivery.event_type is EventType.TRIGGERED and answer.reason is not Reason.SUPERSEDED


def _why_not(
    delivery: HeldDelivery,
    status: AlertStatus,
    notified: NotifiedTrigger | None,
    *,
    is_last: bool,
    is_superseded: bool,
    flaps: bool,
) -> Reason | None:
    """Why it is not sent any more; None if it still says something."""
    if is_superseded and delivery.event_type is not EventType.ACKNOWLEDGED:
        return Reason.SUPERSEDED
    if delivery.reason is Reason.RATE_LIMITED:
        # No hold: it is on its way, and whoever ends an alert withdraws what has not left.
        return None
    if delivery.event_type in NOTES:
        knows = notified is not None and notified.counts_as_notified
        goes_on = status.is_live or (flaps and delivery.event_type is EventType.FLAPPING)
        return None if knows or goes_on else Reason.RESOLVED_BEFORE_SENT
    if (
        delivery.event_type is EventType.RESOLVED
        and delivery.reason is Reason.FLAPPING
        and status.is_live
    ):
        return Reason.REOPENED_BEFORE_SENT
    if delivery.event_type is EventType.TRIGGERED:
        if not status.is_live:
            return Reason.RESOLVED_BEFORE_SENT
        if status is AlertStatus.ACKNOWLEDGED or not is_last:
            return Reason.ACKNOWLEDGED_BEFORE_SENT
        return None
    if notified is not None and notified.status is AlertDeliveryStatus.CANCELED:
        return notified.reason
    if delivery.event_type is EventType.REMINDER and status is AlertStatus.ACKNOWLEDGED:
        return Reason.ACKNOWLEDGED_BEFORE_SENT
    if status.is_live:
        return None
    if delivery.event_type not in ENDINGS or (notified is None and delivery.reason in _OF_ALERT):
        return Reason.RESOLVED_BEFORE_SENT
    return None


def _canceled(delivery: HeldDelivery, reason: Reason) -> Looked:
    detail = {**delivery.detail, "planned_reason": delivery.reason.value}
    return Looked(AlertDeliveryStatus.CANCELED, reason, None, detail)


def _decided(occasion: Occasion, destination_id: UUID, delivery: HeldDelivery) -> Looked:
    destination = occasion.table.destinations.get(destination_id)
    if destination is None or not destination.is_enabled:
        return _canceled(delivery, Reason.DESTINATION_DISABLED)
    if (given_up := _given_up(occasion, delivery)) is not None:
        return _canceled(delivery, given_up)
    rules = _naming(occasion, destination_id, delivery)
    if not rules:
        return _decided_without_rules(occasion, destination_id, delivery)
    decided = decide(occasion, destination, rules, occasion.held())
    goes = decided.status is AlertDeliveryStatus.QUEUED or decided.group is not None
    if goes and (storm := _storm(occasion, destination_id, delivery, decided.rule_id)):
        return _still_gathered(delivery, storm)
    match decided.status:
        case AlertDeliveryStatus.SUPPRESSED:
            return _canceled(delivery, decided.reason)
        case AlertDeliveryStatus.QUEUED if not destination.keeps_incidents and (
            group := _after_maintenance(occasion, destination_id, delivery, decided.rule_id)
        ):
            return _gathered(delivery, occasion.now, decided, group)
        case AlertDeliveryStatus.QUEUED:
            return _sent(
                delivery, occasion.now, decided.detail, decided.cooldowns, decided.remind_after
            )
        case _ if decided.group is not None:
            return _gathered(delivery, occasion.now, decided, decided.group)
        case _:
            return Looked(decided.status, decided.reason, decided.send_after, decided.detail)


def _given_up(occasion: Occasion, delivery: HeldDelivery) -> Reason | None:
    for evidence in delivery.detail.get("holds") or ():
        hold = HOLDS.get(Reason(evidence["reason"]))
        if isinstance(hold, AlertHold) and "follows" not in evidence:
            reason = hold.gives_up(evidence, occasion.facts)
            if reason is not None:
                return reason
    return None


def _decided_without_rules(
    occasion: Occasion, destination_id: UUID, delivery: HeldDelivery
) -> Looked:
    """No rule names it any more, so the holds of rules are gone. It was planned by rules then in
    force, and in doubt it is sent; but a reminder is no news to anybody who does not ask for it."""
    if delivery.event_type is EventType.REMINDER:
        return _canceled(delivery, Reason.NOT_WANTED)
    notified = occasion.history.notified_trigger.get(destination_id)
    held = held_at(occasion, notified, occasion.held())
    if not held:
        rule_id = next(iter(delivery.rule_ids), None)
        if rule_id and (storm := _storm(occasion, destination_id, delivery, rule_id)):
            return _still_gathered(delivery, storm)
        return _sent(delivery, occasion.now, delivery.detail, ())
    detail = {**delivery.detail, "holds": [each.document() for each in held]}
    return Looked(AlertDeliveryStatus.DEFERRED, held[0].reason, last_end(held), detail)


def _naming(occasion: Occasion, destination_id: UUID, delivery: HeldDelivery) -> list[Naming]:
    """The rules that name the destination now, and those that did and are still in force."""
    found = []
    listening = occasion.table.listening.get(delivery.event_type)
    if listening is None:
        return []
    for rule in listening.may_match(occasion.subject, delivery.rule_ids):
        if destination_id not in rule.destination_ids:
            continue
        matches = rule.matches(occasion.subject, occasion.judge)
        if matches or rule.id in delivery.rule_ids:
            found.append(Naming(rule, not matches))
    return found


def _sent(
    delivery: HeldDelivery,
    now: datetime,
    detail: dict[str, Any],
    cooldowns: Iterable[tuple[UUID, UUID, datetime]],
    remind_after: timedelta | None = None,
) -> Looked:
    ended, said = _ended(delivery, now)
    kept = {name: value for name, value in detail.items() if name != "holds"}
    return Looked(
        AlertDeliveryStatus.QUEUED,
        Reason.RULE,
        None,
        {**kept, **said},
        ended,
        tuple(cooldowns),
        remind_after,
    )


def _after_maintenance(
    occasion: Occasion, destination_id: UUID, delivery: HeldDelivery, rule_id: UUID
) -> GroupKey | None:
    """Where a trigger waits for others that the same window held until now, or waits already."""
    if delivery.event_type is not EventType.TRIGGERED:
        return None
    tenant_id = occasion.subject.tenant_id
    group = delivery.detail.get("group") or {}
    if delivery.reason is Reason.GROUPED and group.get("kind") == GroupKind.MAINTENANCE:
        return GroupKey(
            UUID(group["id"]),
            rule_id,
            destination_id,
            tenant_id,
            group["labels"],
            GroupKind.MAINTENANCE,
        )
    holds = delivery.detail.get("holds") or ()
    if delivery.reason is not Reason.MAINTENANCE or not holds:
        return None
    window = ended_window(holds[0], occasion.facts)
    if window is None:
        return None
    return GroupKey.after_maintenance(window, rule_id, destination_id, tenant_id)


def _storm(
    occasion: Occasion, destination_id: UUID, delivery: HeldDelivery, rule_id: UUID
) -> GroupKey | None:
    """The storm that it waits in."""
    if delivery.reason is not Reason.RATE_LIMITED or delivery.group_id is None:
        return None
    tenant_id = occasion.subject.tenant_id
    return GroupKey(delivery.group_id, rule_id, destination_id, tenant_id, {}, GroupKind.STORM)


def _still_gathered(delivery: HeldDelivery, storm: GroupKey) -> Looked:
    return Looked(
        AlertDeliveryStatus.DEFERRED, Reason.RATE_LIMITED, None, delivery.detail, group=storm
    )


def _gathered(
    delivery: HeldDelivery, now: datetime, decided: PlannedDelivery, group: GroupKey
) -> Looked:
    """It waits for its group, where it has just come, or was before."""
    ended, said = _ended(delivery, now)
    return Looked(
        AlertDeliveryStatus.DEFERRED,
        Reason.GROUPED,
        None,
        {**decided.detail, "group": group.document(), **said},
        ended,
        # One that waited in a group before has started them.
        tuple(decided.cooldowns) if delivery.reason is not Reason.GROUPED else (),
        decided.remind_after,
        group,
    )


def _ended(delivery: HeldDelivery, now: datetime) -> tuple[Ended | None, dict[str, Any]]:
    """What held it until now, and what of that stands in its detail."""
    if delivery.reason in _GATHERED:
        held = delivery.detail.get("held")
        return None, {} if held is None else {"held": held}
    ended = Ended(delivery.reason, delivery.since, now, after(delivery))
    return ended, {"held": ended.document()}


def after(delivery: HeldDelivery) -> str:
    """What held it, as its message names it."""
    hold = HOLDS.get(delivery.reason)
    if hold is None:
        return "a hold"
    holds = delivery.detail.get("holds") or [delivery.detail]
    return hold.after(holds[0])
