"""The deliveries that a transaction owes: rules asked, history looked up, rows made.

`routing.plan` decides; this room only brings it what was said before and writes down what it says.
The same for webhooks and for what a person does, so that both commit with what they owe.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tocsin.ingest.configuration import IntegrationEntry, Names, Snapshot
from tocsin.ingest.correlate import AlertState
from tocsin.model import (
    AlertDeliveryStatus,
    AlertStatus,
    EventType,
    Reason,
    Signal,
    uuid7_bytes,
)
from tocsin.routing.escalation import escalate
from tocsin.routing.plan import History, Plan, PlannedDelivery, ToldTrigger, plan
from tocsin.routing.subject import Subject, problem_of
from tocsin.store import arrays
from tocsin.store.pipe import Pipe
from tocsin.store.snapshots import alert_snapshot, delivery_payload, named
from tocsin.store.statements import prepared

_ENDINGS = (EventType.RESOLVED, EventType.CLOSED)
_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class AlertDetails:
    """What of an alert never changes after its creation."""

    tenant_id: UUID
    title: str
    description: str | None
    external_id: str | None
    labels: dict[str, str]
    metadata: dict[str, Any]
    created_at: datetime

    @classmethod
    def of_signal(cls, signal: Signal, tenant_id: UUID, created_at: datetime) -> AlertDetails:
        return cls(
            tenant_id,
            signal.title,
            signal.description,
            signal.external_id,
            signal.labels,
            signal.metadata,
            created_at,
        )


@dataclass(frozen=True, slots=True)
class Event:
    """Something that destinations may be told of: the alert as it stood then. `details` None: the
    alert is older than this transaction and has to be read. `actor` names who did it, for people."""

    event_type: EventType
    alert: AlertState
    entry: IntegrationEntry
    actor: str
    details: AlertDetails | None = None
    is_escalation: bool = False
    closed_at: datetime | None = None
    is_old: bool = False
    """The alert is older than this transaction, though its details are given."""

    @property
    def has_history(self) -> bool:
        return self.is_old or self.details is None


def concerns_anyone(entry: IntegrationEntry, event_type: EventType) -> bool:
    """Whether planning can come to anything: somebody listens, or something may be canceled."""
    routing = entry.routing
    return routing.listens(event_type) or (event_type in _ENDINGS and bool(routing.destinations))


@dataclass(slots=True)
class _Row:
    id: bytes
    event: Event
    tenant_id: UUID
    destination_id: UUID
    rule_id: UUID
    status: AlertDeliveryStatus
    reason: Reason
    send_after: datetime | None
    detail: dict[str, Any]
    payload: dict[str, Any]


@dataclass(slots=True)
class Planning:
    """What one transaction owes. `plan` it once, then write `statements`."""

    rows: list[_Row] = field(default_factory=list)
    _cooldowns: dict[tuple[UUID, UUID, UUID], tuple[datetime, datetime]] = field(
        default_factory=dict
    )
    _told: dict[bytes, dict[UUID, ToldTrigger]] = field(default_factory=dict)
    _released: list[tuple[bytes, UUID]] = field(default_factory=list)
    _uncooled: list[tuple[UUID, UUID]] = field(default_factory=list)

    async def plan(
        self,
        pipe: Pipe,
        events: list[Event],
        snapshot: Snapshot,
        now: datetime,
    ) -> None:
        details = await self._read_details(pipe, events)
        await self._read_history(pipe, events, details)
        canceled = await self._cancel(pipe, events)
        for event in events:
            known = event.details or details[event.alert.id]
            self._plan_one(event, known, canceled, snapshot, now)

    def _plan_one(
        self,
        event: Event,
        details: AlertDetails,
        canceled: dict[bytes, set[UUID]],
        snapshot: Snapshot,
        now: datetime,
    ) -> None:
        entry, alert = event.entry, event.alert
        subject = Subject(
            alert_id=UUID(bytes=alert.id),
            tenant_id=details.tenant_id,
            integration_id=entry.id,
            external_id=details.external_id,
            title=details.title,
            severity=alert.severity,
            source=entry.name,
            type=entry.source.type,
            labels=details.labels,
        )
        problem = problem_of(entry.id, details.external_id)
        told = self._told.setdefault(alert.id, {})
        withdrawn = set(canceled.get(alert.id, ()))
        if event.event_type in _ENDINGS:
            withdrawn |= self._withdraw(alert.id)
            if problem is not None:
                self._uncooled.extend((destination_id, problem) for destination_id in withdrawn)
                for key in [k for k in self._cooldowns if k[1] in withdrawn and k[2] == problem]:
                    del self._cooldowns[key]
        history = History(
            last_told={
                (rule_id, destination_id): told_at
                for (rule_id, destination_id, of), (told_at, _) in self._cooldowns.items()
                if of == problem
            },
            # What was withdrawn had been owed, and its end is withdrawn with it below.
            told_trigger=told,
        )
        if event.is_escalation:
            escalation = escalate(entry.routing, subject, history, now)
            outcome = escalation.plan
            self._released.extend((alert.id, destination) for destination in escalation.release)
        else:
            outcome = plan(entry.routing, event.event_type, subject, history, now)
        for delivery in outcome.deliveries:
            self._add(event, details, delivery, withdrawn, snapshot, now)
        self._remember(outcome, problem, now)

    def _add(
        self,
        event: Event,
        details: AlertDetails,
        delivery: PlannedDelivery,
        withdrawn: set[UUID],
        snapshot: Snapshot,
        now: datetime,
    ) -> None:
        destination_id, alert = delivery.destination_id, event.alert
        status, reason, send_after = delivery.status, delivery.reason, delivery.send_after
        told = self._told[alert.id]
        if destination_id in withdrawn:
            status, reason = AlertDeliveryStatus.CANCELED, Reason.RESOLVED_BEFORE_SENT
            send_after = None
        if event.event_type is EventType.TRIGGERED:
            told[destination_id] = ToldTrigger(
                status, reason, send_after, _rule_ids(delivery.detail, delivery.rule_id)
            )
        rule = next(r for r in event.entry.routing.rules if r.id == delivery.rule_id)
        self.rows.append(
            _Row(
                id=uuid7_bytes(),
                event=event,
                tenant_id=details.tenant_id,
                destination_id=destination_id,
                rule_id=delivery.rule_id,
                status=status,
                reason=reason,
                send_after=send_after,
                detail=delivery.detail,
                payload=delivery_payload(
                    event_type=event.event_type,
                    created_at=now,
                    workspace=_named(snapshot.workspaces[event.entry.workspace_id]),
                    tenant=_named(snapshot.tenants[details.tenant_id]),
                    rule=named(rule.id, rule.name),
                    alert=_document(event, details),
                    actor=event.actor,
                ),
            )
        )

    def _withdraw(self, alert_id: bytes) -> set[UUID]:
        """Cancel what this very transaction planned for an alert that has ended."""
        withdrawn = set()
        for row in self.rows:
            if row.event.alert.id == alert_id and row.status in (
                AlertDeliveryStatus.QUEUED,
                AlertDeliveryStatus.DEFERRED,
            ):
                row.status, row.reason = AlertDeliveryStatus.CANCELED, Reason.RESOLVED_BEFORE_SENT
                row.send_after = None
                if row.event.event_type is EventType.TRIGGERED:
                    withdrawn.add(row.destination_id)
        return withdrawn

    def _remember(self, outcome: Plan, problem: UUID | None, now: datetime) -> None:
        if problem is not None:
            for rule_id, destination_id, expires_at in outcome.cooldowns:
                self._cooldowns[rule_id, destination_id, problem] = (now, expires_at)

    async def _read_details(self, pipe: Pipe, events: Iterable[Event]) -> dict[bytes, AlertDetails]:
        ids = sorted({event.alert.id for event in events if event.details is None})
        if not ids:
            return {}
        known = {event.alert.id: event.details for event in events if event.details is not None}
        found = {alert_id: known[alert_id] for alert_id in ids if alert_id in known}
        missing = [alert_id for alert_id in ids if alert_id not in found]
        if missing:
            (rows,) = await pipe.run(
                (prepared("read_alert_details"), {"ids": arrays.uuids(missing)})
            )
            for row in rows:
                found[row[0].bytes] = AlertDetails(*row[1:])
        return found

    async def _read_history(
        self,
        pipe: Pipe,
        events: list[Event],
        details: dict[bytes, AlertDetails],
    ) -> None:
        old = sorted({event.alert.id for event in events if event.has_history})
        if old:
            (rows,) = await pipe.run((prepared("read_told_triggers"), {"ids": arrays.uuids(old)}))
            for (
                alert_id,
                destination_id,
                status,
                reason,
                send_after,
                rule_id,
                detail,
            ) in rows:
                self._told.setdefault(alert_id.bytes, {})[destination_id] = ToldTrigger.from_row(
                    {
                        "status": status,
                        "reason": reason,
                        "send_after": send_after,
                        "alert_rule_id": rule_id,
                        "detail": detail,
                    }
                )
        problems = {
            problem.bytes
            for event in events
            if event.event_type is EventType.TRIGGERED
            and event.entry.routing.has_cooldowns
            and (
                problem := problem_of(
                    event.entry.id, (event.details or details[event.alert.id]).external_id
                )
            )
        }
        if problems:
            asked = arrays.uuids(sorted(problems))
            (rows,) = await pipe.run((prepared("read_cooldowns"), {"problems": asked}))
            for rule_id, destination_id, problem, told_at, expires_at in rows:
                self._cooldowns[rule_id, destination_id, problem] = (told_at, expires_at)

    async def _cancel(self, pipe: Pipe, events: list[Event]) -> dict[bytes, set[UUID]]:
        """Withdraw what earlier transactions planned and nobody has tried to send yet."""
        ending = sorted(
            {
                event.alert.id
                for event in events
                if event.event_type in _ENDINGS and event.has_history
            }
        )
        canceled: dict[bytes, set[UUID]] = {}
        if ending:
            (rows,) = await pipe.run((prepared("cancel_unsent"), {"alerts": arrays.uuids(ending)}))
            for alert_id, destination_id, _, _ in rows:
                canceled.setdefault(alert_id.bytes, set()).add(destination_id)
        return canceled

    def statements(self, now: datetime) -> list[tuple[str, dict[str, Any] | None]]:
        """What to execute, in order; None parameters: nothing to do."""
        return [
            ("forget_cooldowns", self._forgotten()),
            ("remember_cooldowns", self._remembered()),
            ("release_deferred", self._release(now)),
            ("insert_alert_deliveries", self._insert(now)),
            ("notify_deliveries", {} if self.wakes_dispatchers else None),
        ]

    @property
    def wakes_dispatchers(self) -> bool:
        return bool(self._released) or any(
            row.status in (AlertDeliveryStatus.QUEUED, AlertDeliveryStatus.DEFERRED)
            for row in self.rows
        )

    def _forgotten(self) -> dict[str, Any] | None:
        if not self._uncooled:
            return None
        pairs = sorted(set(self._uncooled))
        return {
            "destination_ids": arrays.uuids([pair[0].bytes for pair in pairs]),
            "problems": arrays.uuids([pair[1].bytes for pair in pairs]),
        }

    def _remembered(self) -> dict[str, Any] | None:
        if not self._cooldowns:
            return None
        rows = sorted(self._cooldowns.items())
        return {
            "rule_ids": arrays.uuids([key[0].bytes for key, _ in rows]),
            "destination_ids": arrays.uuids([key[1].bytes for key, _ in rows]),
            "problems": arrays.uuids([key[2].bytes for key, _ in rows]),
            "told": arrays.times([told_at for _, (told_at, _) in rows]),
            "expires": arrays.times([expires_at for _, (_, expires_at) in rows]),
        }

    def _release(self, now: datetime) -> dict[str, Any] | None:
        if not self._released:
            return None
        return {
            "alert_ids": arrays.uuids([alert_id for alert_id, _ in self._released]),
            "destination_ids": arrays.uuids([d.bytes for _, d in self._released]),
            "now": now,
        }

    def _insert(self, now: datetime) -> dict[str, Any] | None:
        rows = self.rows
        if not rows:
            return None
        return {
            "ids": arrays.uuids([row.id for row in rows]),
            "workspace_ids": arrays.uuids([row.event.entry.workspace_id.bytes for row in rows]),
            "tenant_ids": arrays.uuids([row.tenant_id.bytes for row in rows]),
            "rule_ids": arrays.uuids([row.rule_id.bytes for row in rows]),
            "destination_ids": arrays.uuids([row.destination_id.bytes for row in rows]),
            "alert_ids": arrays.uuids([row.event.alert.id for row in rows]),
            "event_types": arrays.texts([row.event.event_type.value for row in rows]),
            "statuses": arrays.texts([row.status.value for row in rows]),
            "send_after": arrays.times([row.send_after for row in rows]),
            "payloads": arrays.encoded([_json(row.payload) for row in rows]),
            "reasons": arrays.texts([row.reason.value for row in rows]),
            "details": arrays.encoded([_json(row.detail) for row in rows]),
            "created": arrays.times([now] * len(rows)),
        }


def _rule_ids(detail: dict[str, Any], first: UUID) -> frozenset[UUID]:
    return frozenset({first, *(UUID(rule["id"]) for rule in detail.get("rules", ()))})


def _named(names: Names) -> dict[str, Any]:
    return named(names.id, names.name, names.slug)


def _document(event: Event, details: AlertDetails) -> dict[str, Any]:
    alert, entry = event.alert, event.entry
    closed = event.event_type is EventType.CLOSED
    return alert_snapshot(
        id=UUID(bytes=alert.id),
        workspace_id=entry.workspace_id,
        tenant_id=details.tenant_id,
        integration_id=entry.id,
        title=details.title,
        description=details.description,
        severity=alert.severity,
        status=AlertStatus.CLOSED if closed else alert.status,
        source=entry.name,
        external_id=details.external_id,
        triggered_at=alert.triggered_at,
        acknowledged_at=alert.acknowledged_at,
        resolved_at=alert.resolved_at,
        closed_at=event.closed_at,
        metadata=details.metadata,
        labels=details.labels,
        occurrence_count=alert.occurrence_count,
        last_received_at=alert.last_received_at,
        created_at=details.created_at,
        updated_at=alert.last_received_at,
    )
