"""What one transaction is going to write about alerts: gathered one by one, written together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

import msgspec
from msgspec import Struct

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.changes import AlertDetails
from tocsin.alerts.correlate import AlertState, ResolutionMark
from tocsin.alerts.directory import IntegrationEntry
from tocsin.model import SYSTEM, AlertEventKind, AlertWords, iso, uuid7_bytes
from tocsin.routing.flapping import Flaps
from tocsin.store import arrays
from tocsin.store.columns import (
    Integer,
    Json,
    OptionalText,
    OptionalTime,
    OptionalUuid,
    Text,
    Time,
    Uuid,
    columns,
)
from tocsin.store.pipe import Call
from tocsin.store.statements import prepared

_json = msgspec.json.Encoder().encode
_NO_OBJECT = b"{}"
SYSTEM_JSON = _json(SYSTEM.document())


class NewAlert(Struct):
    """An alert that this transaction opens: its state may still change before it is written."""

    state: AlertState
    details: AlertDetails
    words: AlertWords
    entry: IntegrationEntry


class AlertRow(Struct):
    """One row of `alerts`, as it is inserted."""

    id: Uuid
    workspace_id: Uuid
    tenant_id: Uuid
    integration_id: Uuid
    title: Text
    description: OptionalText
    severity: Text
    status: Text
    source: Text
    external_id: OptionalText
    triggered_at: Time
    acknowledged_at: OptionalTime
    resolved_at: OptionalTime
    metadata: Json
    labels: Json
    occurrence_count: Integer
    last_received_at: Time
    last_signal_at: Time
    words_digest: Uuid
    flaps: OptionalText
    created_at: Time


class WordsRow(Struct):
    """The newest words of one row of `alerts`."""

    id: Uuid
    title: Text
    description: OptionalText
    labels: Json
    metadata: Json
    words_digest: Uuid


class ResolutionRow(Struct):
    """One row of `resolutions`."""

    integration_id: Uuid
    external_id: Text
    occurred_at: Time
    alert_id: OptionalUuid
    alert_resolved_at: OptionalTime
    arrived_at: OptionalTime
    late_until: OptionalTime
    flaps: OptionalText
    expires_at: Time


class AlertUpdate(Struct):
    """What may change of a row of `alerts`."""

    id: Uuid
    severity: Text
    status: Text
    acknowledged_at: OptionalTime
    resolved_at: OptionalTime
    closed_at: OptionalTime
    occurrence_count: Integer
    last_received_at: Time
    last_signal_at: Time
    snoozed_until: OptionalTime
    snoozed_by: OptionalText
    flaps: OptionalText
    updated_at: Time


class AlertEventRow(Struct):
    """One row of `alert_events`."""

    id: Uuid
    alert_id: Uuid
    kind: Text
    at: Time
    actor: Json
    webhook_delivery_id: OptionalUuid
    detail: Json


class RememberedEnd(Struct, frozen=True):
    """What is kept of an alert key beside its live alert: the newest end, by which a trigger is late
    `late_until`, and how often it has come and gone."""

    mark: ResolutionMark
    late_until: datetime
    flaps: Flaps | None
    expires_at: datetime


@dataclass(slots=True)
class AlertRows:
    new: dict[bytes, NewAlert] = field(default_factory=dict)
    changed: dict[bytes, AlertState] = field(default_factory=dict)
    late: Counter[bytes] = field(default_factory=Counter)
    """Triggers that came after the end of the alert they belong to."""
    late_received: dict[bytes, datetime] = field(default_factory=dict)
    ends: dict[AlertKey, RememberedEnd] = field(default_factory=dict)
    words: dict[bytes, AlertWords] = field(default_factory=dict)
    """The newest of alerts that were repeated."""
    events: list[AlertEventRow] = field(default_factory=list)

    def happened(
        self,
        alert_id: bytes,
        kind: AlertEventKind,
        detail: dict[str, Any],
        *,
        at: datetime,
        actor_json: bytes,
        webhook_delivery_id: bytes | None = None,
    ) -> None:
        """Put one entry on the timeline of an alert."""
        self.events.append(
            AlertEventRow(
                uuid7_bytes(),
                alert_id,
                kind,
                at,
                actor_json,
                webhook_delivery_id,
                _json(detail) if detail else _NO_OBJECT,
            )
        )

    def flapped(self, alert_id: bytes, kind: AlertEventKind, flaps: Flaps, at: datetime) -> None:
        """Put on the timeline that an alert flaps, or has settled."""
        detail = {"changes": flaps.changes, "first_at": iso(flaps.first_at)}
        self.happened(alert_id, kind, detail, at=at, actor_json=SYSTEM_JSON)

    def calls(self, now: datetime) -> list[Call]:
        """The statements that write all of it, in order."""
        calls: list[Call] = []
        # First of all: what ends here makes room for the next live alert of its key.
        updates = [
            _update(state, now) for id, state in sorted(self.changed.items()) if id not in self.new
        ]
        if updates:
            calls.append((prepared("update_alerts"), columns(AlertUpdate, updates)))
        if self.new:
            rows = [_alert(alert) for alert in self.new.values()]
            calls.append((prepared("insert_alerts"), columns(AlertRow, rows)))
        if self.words:
            calls.append((prepared("replace_alert_words"), columns(WordsRow, self._replaced())))
        if self.late:
            calls.append((prepared("count_late_occurrences"), self._late_occurrences()))
        if self.ends:
            calls.append(
                (prepared("remember_resolves"), columns(ResolutionRow, self._resolutions()))
            )
        if self.events:
            calls.append((prepared("add_alert_events"), columns(AlertEventRow, self.events)))
        return calls

    def _late_occurrences(self) -> dict[str, Any]:
        ids = sorted(self.late)
        return {
            "ids": arrays.uuids(ids),
            "more": arrays.integers([self.late[alert_id] for alert_id in ids]),
            "received": arrays.times([self.late_received[alert_id] for alert_id in ids]),
        }

    def _replaced(self) -> list[WordsRow]:
        return [
            WordsRow(
                alert_id,
                words.title,
                words.description,
                words.labels,
                words.metadata,
                self._state(alert_id).words_digest or words.digest,
            )
            for alert_id, words in sorted(self.words.items())
        ]

    def _state(self, alert_id: bytes) -> AlertState:
        new = self.new.get(alert_id)
        return self.changed[alert_id] if new is None else new.state

    def _resolutions(self) -> list[ResolutionRow]:
        return [
            ResolutionRow(
                key.integration_id,
                key.external_id,
                end.mark.occurred_at,
                end.mark.alert_id,
                end.mark.alert_resolved_at,
                end.mark.arrived_at,
                end.late_until,
                _flaps(end.flaps),
                end.expires_at,
            )
            for key, end in sorted(self.ends.items(), key=itemgetter(0))
        ]


def _flaps(flaps: Flaps | None) -> str | None:
    return None if flaps is None else _json(flaps).decode()


def _update(state: AlertState, now: datetime) -> AlertUpdate:
    return AlertUpdate(
        state.id,
        state.severity,
        state.status,
        state.acknowledged_at,
        state.resolved_at,
        state.closed_at,
        state.occurrence_count,
        state.last_received_at,
        state.last_signal_at,
        None if state.snooze is None else state.snooze.until,
        None if state.snooze is None else state.snooze.by,
        _flaps(state.flaps),
        now,
    )


def _alert(alert: NewAlert) -> AlertRow:
    state, details, words, entry = alert.state, alert.details, alert.words, alert.entry
    return AlertRow(
        id=state.id,
        workspace_id=entry.workspace_id.bytes,
        tenant_id=details.tenant_id.bytes,
        integration_id=entry.id_bytes,
        title=words.title,
        description=words.description,
        severity=state.severity,
        status=state.status,
        source=entry.name,
        external_id=details.external_id,
        triggered_at=state.triggered_at,
        acknowledged_at=state.acknowledged_at,
        resolved_at=state.resolved_at,
        metadata=words.metadata,
        labels=words.labels,
        occurrence_count=state.occurrence_count,
        last_received_at=state.last_received_at,
        last_signal_at=state.last_signal_at,
        words_digest=words.digest,
        flaps=_flaps(state.flaps),
        created_at=details.created_at,
    )
