"""Messages about several alerts: how they are made, and what they carry.

A *carrier* is an alert delivery without an alert of its own. The rows of the alerts that it says stay
on record, each naming it (`carried_by`), and share what becomes of it. Whoever makes one decides that
in the transaction that writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tocsin.message import (
    MOST_ALERTS,
    AlertView,
    Changes,
    Content,
    Group,
    HeldBack,
    Named,
    encode,
)
from tocsin.model import EventType, Reason, Severity
from tocsin.store import arrays
from tocsin.store.pipe import Call
from tocsin.store.statements import prepared

_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Carrier:
    """One message about several alerts to one destination. Those with one `group_id` are sent in order.
    `carried` are the alert deliveries that it says; `carried_reason` is theirs from now on."""

    id: bytes
    workspace_id: UUID
    tenant_id: UUID
    rule_id: UUID | None
    destination_id: UUID
    group_id: UUID
    content: Content
    carried: Sequence[bytes] = ()
    reason: Reason = Reason.RULE
    carried_reason: Reason = Reason.GROUPED
    detail: Mapping[str, Any] = field(default_factory=dict)


def content_of(
    alerts: Iterable[AlertView],
    *,
    group_id: UUID,
    title: str,
    changes: Changes,
    since: datetime,
    now: datetime,
    workspace: Named,
    tenant: Named | None,
    rule: Named | None,
    labels: Mapping[str, str] | None = None,
    unlisted: int = 0,
    held: HeldBack | None = None,
    note: str | None = None,
    event_type: EventType = EventType.GROUP,
) -> Content:
    """What a message about these alerts says, the most severe of what is live first; `unlisted` is how
    many more it is about."""
    ordered = sorted(alerts, key=_importance)
    listed = ordered[:MOST_ALERTS]
    live = [alert.severity for alert in ordered if alert.status.is_live]
    severities = live or [alert.severity for alert in ordered] or [Severity.INFO]
    return Content(
        event_type=event_type,
        created_at=now,
        workspace=workspace,
        tenant=tenant,
        rule=rule,
        alert=None,
        actor=None,
        note=note,
        held=held,
        group=Group(
            id=group_id,
            title=title,
            severity=max(severities, key=lambda each: each.rank),
            since=since,
            changes=changes,
            labels=labels or {},
            more=unlisted + len(ordered) - len(listed),
        ),
        alerts=tuple(listed),
    )


def _importance(alert: AlertView) -> tuple[bool, int, float]:
    return not alert.status.is_live, -alert.severity.rank, -alert.triggered_at.timestamp()


def carrier_calls(carriers: Sequence[Carrier], now: datetime) -> list[Call]:
    """The statements that write them, and mark what they carry."""
    if not carriers:
        return []
    listing = [
        (each.id, alert.id.bytes, place)
        for each in carriers
        for place, alert in enumerate(each.content.alerts)
    ]
    carried = [(id, each) for each in carriers for id in each.carried]
    return [
        (
            prepared("insert_carriers"),
            {
                "ids": arrays.uuids([each.id for each in carriers]),
                "workspace_ids": arrays.uuids([each.workspace_id.bytes for each in carriers]),
                "tenant_ids": arrays.uuids([each.tenant_id.bytes for each in carriers]),
                "rule_ids": arrays.optional_uuids(
                    [None if each.rule_id is None else each.rule_id.bytes for each in carriers]
                ),
                "destination_ids": arrays.uuids([each.destination_id.bytes for each in carriers]),
                "event_types": arrays.texts([each.content.event_type.value for each in carriers]),
                "payloads": arrays.encoded([encode(each.content) for each in carriers]),
                "reasons": arrays.texts([each.reason.value for each in carriers]),
                "details": arrays.encoded([_json(each.detail) for each in carriers]),
                "urgencies": arrays.texts([_urgency(each.content).value for each in carriers]),
                "group_ids": arrays.uuids([each.group_id.bytes for each in carriers]),
                "listing": arrays.uuids([carrier_id for carrier_id, _, _ in listing]),
                "listed": arrays.uuids([alert_id for _, alert_id, _ in listing]),
                "places": arrays.integers([place for _, _, place in listing]),
                "now": now,
            },
        ),
        (
            prepared("carry_deliveries"),
            {
                "ids": arrays.uuids([id for id, _ in carried]),
                "carrier_ids": arrays.uuids([each.id for _, each in carried]),
                "reasons": arrays.texts([each.carried_reason.value for _, each in carried]),
                "now": now,
            },
        ),
        (prepared("notify_deliveries"), {}),
    ]


def _urgency(content: Content) -> Severity:
    return content.severity or Severity.CRITICAL
