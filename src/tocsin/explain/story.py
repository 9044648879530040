"""Why was I (not) notified? The story of one alert, assembled from what is on record.

It reads downward: what came in → what that did to the alert → what each rule said to it → the
messages → the attempts to deliver them, each with its reason in plain words. Pure: whoever
asks brings the facts, and gets a document.

What a rule said is judged again, by the rules as they are now and the severity the alert had then;
`changed_since` marks a rule that was changed later, whose verdict may have been another. What was
decided stands in each delivery's `detail`, as it was written down at the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from tocsin.explain.facts import ChangeFacts, CurrentAlert, DeliveryFacts, WebhookFacts
from tocsin.explain.wording import (
    attempt_words,
    change_words,
    delivery_words,
    event_words,
    webhook_words,
)
from tocsin.model import AlertDeliveryStatus, AlertEventKind, EventType, Severity, iso
from tocsin.routing.judge import Judge
from tocsin.routing.rules import RoutingTable
from tocsin.routing.verdicts import Verdict, verdicts


@dataclass(frozen=True, slots=True)
class RecordedFacts:
    """Everything on record about one alert, in any order. `rules_changed_at` says when each rule
    was last changed."""

    alert: CurrentAlert
    webhooks: Sequence[WebhookFacts]
    changes: Sequence[ChangeFacts]
    deliveries: Sequence[DeliveryFacts]
    rules_changed_at: Mapping[UUID, datetime]


def explain(record: RecordedFacts, table: RoutingTable, now: datetime) -> dict[str, Any]:
    """The story as a document: `alert`, `answers` per destination, and `steps` in order of time."""
    changes = _changes(record, table, now)
    return {
        "alert": record.alert.document(),
        "answers": _answers(record, table, changes, now),
        "steps": _steps(record, changes),
    }


@dataclass(frozen=True, slots=True)
class _Change:
    facts: ChangeFacts
    severity: Severity
    event_type: EventType | None
    verdicts: Sequence[Verdict]
    deliveries: Sequence[DeliveryFacts]
    document: dict[str, Any]


def _changes(record: RecordedFacts, table: RoutingTable, now: datetime) -> list[_Change]:
    """The timeline, each entry with the verdicts and deliveries that followed from it."""
    ordered = sorted(record.changes, key=lambda change: (change.at, change.id))
    silent = _born_resolved(ordered)
    occasions = [None if each.id in silent else each.event_type for each in ordered]
    pending = _by_occasion(ordered, occasions, record.deliveries)
    severity = _first_severity(ordered, record.alert.subject.severity)
    made = []
    judge = Judge()
    for index, (facts, event_type) in enumerate(zip(ordered, occasions, strict=True)):
        if facts.kind is AlertEventKind.SEVERITY_CHANGED and facts.detail:
            severity = Severity(facts.detail.get("to", severity))
        judged: list[Verdict] = []
        if event_type is not None:
            subject = replace(record.alert.subject, severity=severity)
            judged = verdicts(table, event_type, subject, facts.at, judge)
        deliveries = pending.get(index, [])
        document = {
            "id": str(facts.id),
            "kind": facts.kind.value,
            "at": iso(facts.at),
            "actor": dict(facts.actor),
            "detail": dict(facts.detail or {}),
            "words": change_words(facts),
            "severity": severity.value,
            "event_type": None if event_type is None else event_type.value,
            "rules": [_rule(each, facts, deliveries, record) for each in judged],
            "deliveries": [_delivery(each, now) for each in deliveries],
        }
        made.append(_Change(facts, severity, event_type, judged, deliveries, document))
    return made


def _born_resolved(changes: Sequence[ChangeFacts]) -> set[UUID]:
    """Entries of an alert whose end had arrived first: nobody is notified of either."""
    early = {
        each.webhook_delivery_id
        for each in changes
        if each.kind is AlertEventKind.RESOLVED
        and (each.detail or {}).get("arrived") == "before the trigger"
    }
    return {each.id for each in changes if early and each.webhook_delivery_id in early}


def _first_severity(changes: Sequence[ChangeFacts], current: Severity) -> Severity:
    for change in changes:
        detail = change.detail or {}
        if change.kind is AlertEventKind.TRIGGERED and "severity" in detail:
            return Severity(detail["severity"])
        if change.kind is AlertEventKind.SEVERITY_CHANGED and "from" in detail:
            return Severity(detail["from"])
    return current


def _by_occasion(
    changes: Sequence[ChangeFacts],
    occasions: Sequence[EventType | None],
    deliveries: Sequence[DeliveryFacts],
) -> dict[int, list[DeliveryFacts]]:
    """Each delivery under the last change before it that has its event."""
    pending: dict[int, list[DeliveryFacts]] = {}
    for delivery in sorted(deliveries, key=lambda each: (each.created_at, each.id)):
        of_its_kind = [i for i, each in enumerate(occasions) if each is delivery.event_type]
        before = [i for i in of_its_kind if changes[i].at <= delivery.created_at]
        if of_its_kind:
            pending.setdefault(before[-1] if before else of_its_kind[0], []).append(delivery)
    return pending


def _rule(
    verdict: Verdict,
    change: ChangeFacts,
    deliveries: Sequence[DeliveryFacts],
    record: RecordedFacts,
) -> dict[str, Any]:
    changed_at = record.rules_changed_at.get(verdict.rule_id)
    kept = str(verdict.rule_id) in {
        rule.get("id")
        for delivery in deliveries
        for rule in (delivery.detail or {}).get("rules", ())
        if rule.get("kept_from_trigger")
    }
    document = verdict.document()
    document["changed_since"] = changed_at is not None and changed_at > change.at
    document["kept_from_trigger"] = kept
    if kept:
        document["words"] += (
            "; it had notified of the trigger, and so stays with the alert to its end"
        )
    elif document["changed_since"]:
        document["words"] += " (by the rule as it is now; it was changed since)"
    return document


def _delivery(delivery: DeliveryFacts, now: datetime) -> dict[str, Any]:
    document = delivery.document()
    document["words"] = f"{delivery.destination}: {delivery_words(delivery, now)}"
    if delivery.rule_is_deleted:
        # Its verdict is not among those of today's rules.
        document["words"] += f", by rule “{delivery.rule_name}”"
    document["attempts"] = [
        {**attempt.document(), "words": attempt_words(attempt)}
        for attempt in sorted(delivery.attempts, key=lambda attempt: attempt.number)
    ]
    return document


def _steps(record: RecordedFacts, changes: Sequence[_Change]) -> list[dict[str, Any]]:
    """What came in, in order of time: webhooks, and what people did, with what came of each."""
    webhooks = {webhook.id: webhook for webhook in record.webhooks}
    steps: list[tuple[datetime, dict[str, Any]]] = []
    of_webhook: dict[UUID, list[dict[str, Any]]] = {}
    for webhook in record.webhooks:
        of_webhook[webhook.id] = []
        steps.append(
            (
                webhook.created_at,
                {
                    "at": iso(webhook.created_at),
                    "cause": "webhook_delivery",
                    "webhook_delivery": webhook.document(),
                    "words": webhook_words(webhook),
                    "changes": of_webhook[webhook.id],
                },
            )
        )
    for change in changes:
        cause = change.facts.webhook_delivery_id
        if cause is not None and cause in webhooks:
            of_webhook[cause].append(change.document)
            continue
        words = (
            "a person or the system acted on the alert"
            if cause is None
            else f"webhook delivery {cause}, which is no longer on record"
        )
        steps.append(
            (
                change.facts.at,
                {
                    "at": iso(change.facts.at),
                    "cause": "action" if cause is None else "webhook_delivery",
                    "webhook_delivery": None,
                    "words": change.document["words"] if cause is None else words,
                    "changes": [change.document],
                },
            )
        )
    return [step for _, step in sorted(steps, key=lambda step: step[0])]


def _answers(
    record: RecordedFacts, table: RoutingTable, changes: Sequence[_Change], now: datetime
) -> list[dict[str, Any]]:
    """Per destination, in the order in which they came into it, whether it was notified and what of;
    one answer without a destination where there was nothing to send."""
    by_destination: dict[UUID, list[DeliveryFacts]] = {}
    for delivery in sorted(record.deliveries, key=lambda each: (each.created_at, each.id)):
        by_destination.setdefault(delivery.destination_id, []).append(delivery)
    if not by_destination:
        return [
            {
                "destination_id": None,
                "destination_name": None,
                "was_notified": False,
                "words": _nobody(table, changes),
                "messages": [],
            }
        ]
    return [
        {
            "destination_id": str(destination_id),
            "destination_name": deliveries[0].destination_name,
            "was_notified": any(each.status is AlertDeliveryStatus.SENT for each in deliveries),
            "words": f"{deliveries[0].destination}: "
            + "; ".join(
                f"{event_words(each.event_type)} {delivery_words(each, now)}" for each in deliveries
            ),
            "messages": [
                {"event_type": each.event_type.value, "words": delivery_words(each, now)}
                for each in deliveries
            ],
        }
        for destination_id, deliveries in by_destination.items()
    ]


def _nobody(table: RoutingTable, changes: Sequence[_Change]) -> str:
    if any((each.facts.detail or {}).get("arrived") == "before the trigger" for each in changes):
        return "nobody was notified: the alert was over before it arrived"
    held = [each for each in changes if each.facts.kind is AlertEventKind.ESCALATION_HELD]
    if held:
        return f"nobody was notified yet: {change_words(held[-1].facts)}"
    if not table.rules:
        return "nobody was notified: there are no rules in this workspace"
    matched = {
        each.rule_name: each for change in changes for each in change.verdicts if each.matched
    }
    if not matched:
        return "nobody was notified: no rule matched; each rule says why under the change it judged"
    names = ", ".join(f"“{name}”" for name in matched)
    if all(
        set(each.destination_ids) <= set(each.missing_destination_ids) for each in matched.values()
    ):
        return f"nobody was notified: {names} matched, but no destination of theirs exists"
    return f"nobody was notified, though by the rules as they are now {names} would have matched"
