"""Replaying a stored webhook delivery through today's mapping; `dry_run` shows what would differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.alerts.actions import Actions
from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.ingest.commit import commit_webhooks
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.received_webhook import Accepted, Answer, Webhook
from tocsin.ingest.senders import Sender, Senders
from tocsin.ingest.understand import interpret_stored
from tocsin.model import Signal, iso, optional_iso
from tocsin.store.database import Connection
from tocsin.store.stored_webhooks import alerts_touched_by, find_stored_webhook
from tocsin.turns import at_once_aside


@dataclass(frozen=True, slots=True)
class WebhookNotFound:
    """No such delivery in this workspace."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """Only the beginning of the body was kept; it cannot be done again."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the delivery gave this time, or would give.

    `webhook_delivery_id` is None for a dry run. `signals` are normalised by today's mapping;
    `differences` compares them, field by field, with the alerts that the delivery touched before.
    """

    webhook_delivery_id: UUID | None
    answer: Answer
    signals: tuple[dict[str, Any], ...]
    differences: tuple[dict[str, Any], ...]
    outcome_before: str

    def document(self) -> dict[str, Any]:
        answer = self.answer
        if isinstance(answer, Accepted):
            status, detail, alerts = answer.status.value, answer.reason, answer.alerts
            faults: tuple[dict[str, str], ...] = ()
        else:
            status, detail, alerts, faults = answer.outcome, answer.detail, (), answer.faults
        delivery_id = self.webhook_delivery_id
        return {
            "dry_run": delivery_id is None,
            "delivery_id": None if delivery_id is None else str(delivery_id),
            "outcome_before": self.outcome_before,
            "status": status,
            "status_code": answer.status_code,
            "detail": detail,
            "errors": list(faults),
            "alerts": [
                {"alert_id": str(UUID(bytes=alert_id)), "status": became.value}
                for alert_id, became in alerts
            ],
            "signals": list(self.signals),
            "differences": list(self.differences),
        }


async def replay(
    connection: Connection,
    senders: Senders,
    lanes: Lanes,
    actions: Actions,
    *,
    workspace_id: UUID,
    webhook_delivery_id: UUID,
    dry_run: bool,
    now: datetime,
) -> Replayed | WebhookNotFound | Truncated:
    """Signals keep the time at which the delivery was first received; duplicates are not looked
    for, since doing it again is the point."""
    stored = await find_stored_webhook(connection, workspace_id, webhook_delivery_id)
    if stored is None:
        return WebhookNotFound()
    if "payload_truncated" in stored.flags:
        return Truncated()
    await senders.feed.look()
    sender = senders.current.get(stored.integration_id)
    if sender is None:
        return WebhookNotFound()
    headers = dict(stored.headers)
    webhook = await at_once_aside(interpret_stored, sender, headers, stored.body, stored.created_at)
    webhook.replay_of_id = stored.id
    webhook.stored_at = now
    before = await alerts_touched_by(connection, stored.id)
    if dry_run:
        answer = await _rehearse(senders, actions, webhook, now)
    else:
        answer = await lanes.submit(webhook)
    return Replayed(
        webhook_delivery_id=None if dry_run else UUID(bytes=webhook.id),
        answer=answer,
        signals=tuple(signal_shown(signal, sender, webhook) for signal in webhook.signals),
        differences=tuple(_differences(webhook, sender, before)),
        outcome_before=stored.outcome,
    )


async def _rehearse(senders: Senders, actions: Actions, webhook: Webhook, now: datetime) -> Answer:
    budgets = MatchingBudgets()
    while True:
        async with actions.connected() as pipe:
            undecided = await commit_webhooks(
                pipe, senders, [webhook], now=now, keep_rejected=0, budgets=budgets, dry_run=True
            )
        if not undecided:
            break
        await budgets.settle(now)
    assert webhook.answer is not None
    return webhook.answer


def signal_shown(signal: Signal, sender: Sender, webhook: Webhook) -> dict[str, Any]:
    """As answers have it."""
    return {"kind": signal.kind.value, **_fields(signal, sender, webhook)}


def _fields(signal: Signal, sender: Sender, webhook: Webhook) -> dict[str, Any]:
    return {
        "external_id": signal.external_id,
        "title": signal.title,
        "description": signal.description,
        "severity": (signal.severity or sender.entry.default_severity).value,
        "triggered_at": iso(signal.triggered_at or webhook.received_at),
        "labels": signal.labels,
        "metadata": signal.metadata,
    }


def _differences(webhook: Webhook, sender: Sender, before: list[Any]) -> list[dict[str, Any]]:
    by_external_id = {row.external_id: row for row in before}
    only = before[0] if len(before) == 1 else None
    differences = []
    for signal in webhook.signals:
        row = by_external_id.get(signal.external_id, only)
        if row is None:
            continue
        stored = _stored_fields(row._mapping)
        differences += [
            {"alert_id": str(row.id), "field": name, "stored": stored[name], "now": value}
            for name, value in _fields(signal, sender, webhook).items()
            if value != stored[name]
        ]
    return differences


def _stored_fields(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "external_id": row["external_id"],
        "title": row["title"],
        "description": row["description"],
        "severity": row["severity"].value,
        "triggered_at": optional_iso(row["triggered_at"]),
        "labels": row["labels"],
        "metadata": row["metadata"],
    }
