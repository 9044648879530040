"""What is planned, as rows of `alert_deliveries` in the making, and what their messages say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from tocsin.alerts.changes import AlertChange, AlertDetails
from tocsin.alerts.directory import Directory
from tocsin.alerts.notification_rows import PendingDelivery
from tocsin.message import Content, Flapping, Named
from tocsin.model import uuid7_bytes
from tocsin.routing.plan import NOTES, PlannedDelivery
from tocsin.routing.rules import Rule


def planned_rows(
    event: AlertChange,
    details: AlertDetails,
    deliveries: Sequence[PlannedDelivery],
    directory: Directory,
    now: datetime,
) -> Iterator[PendingDelivery]:
    """All say the same, but for the rule that they come by."""
    content: Content | None = None
    for delivery in deliveries:
        rule = event.entry.routing.by_id[delivery.rule_id]
        if content is None:
            content = _content(event, details, rule, directory, now)
        elif content.rule is None or content.rule.id != rule.id:
            content = replace(content, rule=Named(rule.id, rule.name))
        yield _row(event, details, delivery, content)


def _row(
    event: AlertChange, details: AlertDetails, delivery: PlannedDelivery, content: Content
) -> PendingDelivery:
    return PendingDelivery(
        id=uuid7_bytes(),
        workspace_id=event.entry.workspace_id,
        tenant_id=details.tenant_id,
        rule_id=delivery.rule_id,
        destination_id=delivery.destination_id,
        alert_id=event.alert.id,
        event_type=event.event_type,
        status=delivery.status,
        reason=delivery.reason,
        send_after=delivery.send_after,
        payload=content,
        detail=delivery.detail,
        remind_after=delivery.remind_after,
        group=delivery.group,
    )


def _content(
    event: AlertChange, details: AlertDetails, rule: Rule, directory: Directory, now: datetime
) -> Content:
    return Content(
        event_type=event.event_type,
        created_at=now,
        workspace=directory.workspaces[event.entry.workspace_id],
        tenant=directory.tenants[details.tenant_id],
        rule=Named(rule.id, rule.name),
        alert=event.document(details),
        actor=event.actor,
        said=event.said,
        matched_labels=event.matched_labels(details),
        no_news_since=event.no_news_since,
        flapping=_flapping(event),
    )


def _flapping(event: AlertChange) -> Flapping | None:
    flaps = event.flaps
    if event.event_type not in NOTES or flaps is None or flaps.since is None:
        return None
    return Flapping(changes=flaps.changes, first_at=flaps.first_at, since=flaps.since)
