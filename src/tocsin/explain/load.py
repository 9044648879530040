"""What the database has on record about an alert, read for its explanation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from tocsin.explain.facts import (
    AttemptFacts,
    ChangeFacts,
    CurrentAlert,
    DeliveryFacts,
    WebhookFacts,
)
from tocsin.explain.story import RecordedFacts
from tocsin.model import SPOOLED_FLAG, AlertEventKind, EventType, Reason, utc_now
from tocsin.routing.subject import ActiveSnooze, Subject
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_deliveries import (
    AddressedDelivery,
    attempts_at,
    deliveries_of_alert,
    group_times,
)
from tocsin.store.queries.alerts import PastAlert, Timeline, read_timeline
from tocsin.store.queries.destination_states import Wait, standings
from tocsin.store.queries.integrations import integration_type
from tocsin.store.queries.rules import rules_changed_at
from tocsin.store.queries.webhook_deliveries import WebhookOutline, webhooks_and_duplicates
from tocsin.store.tables import Alert, AlertDeliveryAttempt, AlertEvent

MOST_REPEATS = 100
_MOST_OTHERS = 1_000


async def load(session: DatabaseSession, alert: Alert) -> tuple[RecordedFacts, int]:
    """The facts, and how many repetitions are left out of them."""
    timeline = await read_timeline(
        session, alert.id, most_events=_MOST_OTHERS, most_repeats=MOST_REPEATS
    )
    source_type = await integration_type(session, alert.integration_id)
    facts = RecordedFacts(
        alert=_alert(alert, source_type or ""),
        webhooks=await _webhooks(session, alert, timeline),
        changes=[_change(event) for event in timeline.events],
        deliveries=await _deliveries(session, alert.id),
        rules_changed_at=await rules_changed_at(session, alert.workspace_id),
    )
    return facts, timeline.repeats_left_out


def subject_of(alert: Alert | PastAlert, source_type: str) -> Subject:
    """What rules see of a stored alert."""
    return Subject(
        tenant_id=alert.tenant_id,
        integration_id=alert.integration_id,
        external_id=alert.external_id,
        title=alert.title,
        severity=alert.severity,
        source=alert.source,
        type=source_type,
        labels=alert.labels,
    )


def _alert(alert: Alert, source_type: str) -> CurrentAlert:
    subject = subject_of(alert, source_type)
    if alert.snoozed_until is not None:
        subject.snooze = ActiveSnooze(alert.snoozed_until, alert.snoozed_by or "somebody")
    return CurrentAlert(
        id=alert.id,
        subject=subject,
        status=alert.status,
        triggered_at=alert.triggered_at,
        created_at=alert.created_at,
        occurrence_count=alert.occurrence_count,
    )


def _change(event: AlertEvent) -> ChangeFacts:
    return ChangeFacts(
        id=event.id,
        kind=AlertEventKind(event.kind),
        at=event.at,
        actor=event.actor,
        webhook_delivery_id=event.webhook_delivery_id,
        detail=event.detail,
    )


async def _webhooks(
    session: DatabaseSession, alert: Alert, timeline: Timeline
) -> list[WebhookFacts]:
    """What led to the changes, and the repetitions of these that were dropped as duplicates."""
    causes = {event.webhook_delivery_id for event in timeline.events}
    found = await webhooks_and_duplicates(
        session,
        alert.integration_id,
        [cause for cause in causes if cause is not None],
        most_duplicates=MOST_REPEATS,
    )
    return [_webhook(row, alert.source) for row in found]


def _webhook(row: WebhookOutline, source: str) -> WebhookFacts:
    return WebhookFacts(
        id=row.id,
        source=source,
        created_at=row.created_at,
        status_code=row.status_code,
        outcome=row.outcome,
        error_message=row.error_message,
        flags=tuple(row.flags),
        spooled_until=row.processed_at if SPOOLED_FLAG in row.flags else None,
        duplicate_of_id=row.duplicate_of_id,
        replay_of_id=row.replay_of_id,
    )


async def _deliveries(session: DatabaseSession, alert_id: UUID) -> list[DeliveryFacts]:
    found = await deliveries_of_alert(session, alert_id, _MOST_OTHERS)
    attempts: dict[UUID, list[AlertDeliveryAttempt]] = defaultdict(list)
    for attempt in await attempts_at(session, [each.delivery.id for each in found]):
        attempts[attempt.alert_delivery_id].append(attempt)
    known = await standings(session, {each.delivery.alert_destination_id for each in found})
    gathered = await group_times(session, [each.delivery for each in found])
    now = utc_now()
    waits = {
        row.id: standing.keeps(row, now)
        for row in (each.delivery for each in found)
        if (standing := known.get(row.alert_destination_id)) is not None
    }
    return [
        _delivery(each, attempts[each.delivery.id], waits.get(each.delivery.id), gathered)
        for each in found
    ]


def _delivery(
    addressed: AddressedDelivery,
    attempts: Sequence[AlertDeliveryAttempt],
    wait: Wait | None,
    gathered: Mapping[UUID, datetime],
) -> DeliveryFacts:
    row = addressed.delivery
    waits_in = row.group_id if row.carried_by is None else None
    return DeliveryFacts(
        id=row.id,
        destination_id=row.alert_destination_id,
        destination_name=addressed.destination_name,
        event_type=EventType(row.event_type),
        status=row.status,
        reason=Reason(row.reason),
        rule_id=row.alert_rule_id,
        rule_name=addressed.rule_name,
        rule_is_deleted=addressed.rule_is_deleted,
        created_at=row.created_at,
        send_after=row.send_after if waits_in is None else gathered.get(waits_in, row.send_after),
        sent_at=row.sent_at,
        attempt_count=row.attempt_count,
        last_error_code=row.last_error_code,
        last_error_message=row.last_error_message,
        detail=row.detail,
        carried_by=row.carried_by,
        wait_reason=None if wait is None else wait.reason,
        waits_until=None if wait is None else wait.until,
        attempts=tuple(
            AttemptFacts(
                number=attempt.number,
                started_at=attempt.started_at,
                duration_ms=attempt.duration_ms,
                outcome=attempt.outcome,
                http_status=attempt.http_status,
                error_code=attempt.error_code,
                message=attempt.message,
            )
            for attempt in attempts
        ),
    )
