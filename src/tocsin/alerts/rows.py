"""What a batch is going to write, gathered row by row and handed over column by column."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from tocsin.alerts.changes import AlertDetails
from tocsin.alerts.correlate import AlertState, Happening, ResolutionMark
from tocsin.alerts.directory import IntegrationEntry
from tocsin.ingest.proof.redact import sanitised_headers
from tocsin.ingest.sources.kit.storable import clean_text
from tocsin.ingest.webhook import Accepted, Declined, Webhook
from tocsin.model import uuid7_bytes
from tocsin.store import arrays

_json = msgspec.json.Encoder().encode
_NO_OBJECT = b"{}"
_NO_FLAGS = "{}"
_ERROR_LIMIT = 2_000


class NewAlert(Struct):
    """An alert that this batch creates: its state may still change before it is written."""

    state: AlertState
    details: AlertDetails
    entry: IntegrationEntry


@dataclass(slots=True)
class Ledger:
    new: dict[bytes, NewAlert] = field(default_factory=dict)
    changed: dict[bytes, AlertState] = field(default_factory=dict)
    late: Counter[bytes] = field(default_factory=Counter)
    late_received: dict[bytes, datetime] = field(default_factory=dict)
    marks: dict[tuple[bytes, str], tuple[ResolutionMark, datetime]] = field(default_factory=dict)
    events: list[tuple[bytes, bytes, str, datetime, bytes, bytes, bytes]] = field(
        default_factory=list
    )

    def happened(self, alert_id: bytes, happening: Happening, webhook: Webhook) -> None:
        self.events.append(
            (
                uuid7_bytes(),
                alert_id,
                happening.kind.value,
                webhook.stored_at or webhook.received_at,
                webhook.entry.actor_json,
                webhook.id,
                _json(happening.detail) if happening.detail else _NO_OBJECT,
            )
        )

    def rows(self, webhooks: list[Webhook], now: datetime) -> dict[str, Any]:
        """The parameters of `write_webhooks`."""
        return {
            **_columns("d", _DELIVERY, [_delivery(webhook, now) for webhook in webhooks]),
            **_columns("a", _ALERT, [_alert(alert) for alert in self.new.values()]),
            **_columns("e", _EVENT, self.events),
        }

    def updates(self, now: datetime) -> dict[str, Any] | None:
        """The parameters of `update_alerts`, if there is anything to update."""
        states = [state for key, state in sorted(self.changed.items()) if key not in self.new]
        if not states:
            return None
        return {
            "ids": arrays.uuids([s.id for s in states]),
            "severities": arrays.texts([s.severity.value for s in states]),
            "statuses": arrays.texts([s.status.value for s in states]),
            "acknowledged": arrays.times([s.acknowledged_at for s in states]),
            "resolved": arrays.times([s.resolved_at for s in states]),
            "counts": arrays.integers([s.occurrence_count for s in states]),
            "received": arrays.times([s.last_received_at for s in states]),
            "signals": arrays.times([s.last_signal_at for s in states]),
            "updated": arrays.times([now] * len(states)),
        }

    def late_occurrences(self) -> dict[str, Any] | None:
        if not self.late:
            return None
        ids = sorted(self.late)
        return {
            "ids": arrays.uuids(ids),
            "more": arrays.integers([self.late[alert_id] for alert_id in ids]),
            "received": arrays.times([self.late_received[alert_id] for alert_id in ids]),
        }

    def resolves(self) -> dict[str, Any] | None:
        if not self.marks:
            return None
        rows = sorted(self.marks.items())
        return {
            "integration_ids": arrays.uuids([key[0] for key, _ in rows]),
            "external_ids": arrays.texts([key[1] for key, _ in rows]),
            "occurred": arrays.times([mark.occurred_at for _, (mark, _) in rows]),
            "alert_ids": arrays.uuids([mark.alert_id for _, (mark, _) in rows]),
            "resolved": arrays.times([mark.alert_resolved_at for _, (mark, _) in rows]),
            "expires": arrays.times([expires for _, (_, expires) in rows]),
        }


def _columns(prefix: str, columns: tuple[tuple[str, Any], ...], rows: list[Any]) -> dict[str, Any]:
    values = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return {
        f"{prefix}_{name}": pack(column)
        for (name, pack), column in zip(columns, values, strict=True)
    }


_DELIVERY = (
    ("id", arrays.uuids),
    ("integration_id", arrays.uuids),
    ("idempotency_key", arrays.texts),
    ("content_fingerprint", arrays.texts),
    ("raw_payload", arrays.encoded),
    ("headers", arrays.encoded),
    ("status_code", arrays.integers),
    ("outcome", arrays.texts),
    ("error_message", arrays.texts),
    ("flags", arrays.texts),
    ("processed_at", arrays.times),
    ("alert_id", arrays.uuids),
    ("duplicate_of_id", arrays.uuids),
    ("replay_of_id", arrays.uuids),
    ("created_at", arrays.times),
)


def _delivery(webhook: Webhook, now: datetime) -> tuple[Any, ...]:
    answer = webhook.answer
    error: str | None
    if isinstance(answer, Accepted):
        outcome: str = answer.status.value
        error = answer.reason
        alert_id = None if outcome in ("duplicate", "ignored") else answer.alert_id
    else:
        assert isinstance(answer, Declined)
        outcome, error, alert_id = answer.outcome, answer.detail, None
    if error is not None:
        # It may quote the sender.
        error, _ = clean_text(error, _ERROR_LIMIT)
    return (
        webhook.id,
        webhook.entry.id_bytes,
        webhook.idempotency_key,
        webhook.fingerprint,
        webhook.raw_payload,
        _json(sanitised_headers(webhook.headers, webhook.entry.profile)),
        answer.status_code,
        outcome,
        error,
        f"{{{','.join(webhook.flags)}}}" if webhook.flags else _NO_FLAGS,
        now,
        alert_id,
        webhook.duplicate_of,
        None if webhook.replay_of_id is None else webhook.replay_of_id.bytes,
        webhook.stored_at or webhook.received_at,
    )


_ALERT = (
    ("id", arrays.uuids),
    ("workspace_id", arrays.uuids),
    ("tenant_id", arrays.uuids),
    ("integration_id", arrays.uuids),
    ("title", arrays.texts),
    ("description", arrays.texts),
    ("severity", arrays.texts),
    ("status", arrays.texts),
    ("source", arrays.texts),
    ("external_id", arrays.texts),
    ("triggered_at", arrays.times),
    ("acknowledged_at", arrays.times),
    ("resolved_at", arrays.times),
    ("metadata", arrays.encoded),
    ("labels", arrays.encoded),
    ("occurrence_count", arrays.integers),
    ("last_received_at", arrays.times),
    ("last_signal_at", arrays.times),
    ("created_at", arrays.times),
)


def _alert(alert: NewAlert) -> tuple[Any, ...]:
    state, details, entry = alert.state, alert.details, alert.entry
    return (
        state.id,
        entry.workspace_id.bytes,
        details.tenant_id.bytes,
        entry.id_bytes,
        details.title,
        details.description,
        state.severity.value,
        state.status.value,
        entry.name,
        details.external_id,
        state.triggered_at,
        state.acknowledged_at,
        state.resolved_at,
        _json(details.metadata) if details.metadata else _NO_OBJECT,
        _json(details.labels) if details.labels else _NO_OBJECT,
        state.occurrence_count,
        state.last_received_at,
        state.last_signal_at,
        details.created_at,
    )


_EVENT = (
    ("id", arrays.uuids),
    ("alert_id", arrays.uuids),
    ("kind", arrays.texts),
    ("at", arrays.times),
    ("actor", arrays.encoded),
    ("webhook_delivery_id", arrays.uuids),
    ("detail", arrays.encoded),
)
