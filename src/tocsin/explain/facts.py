"""What is on record about an alert, as values: the material of an explanation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.model import (
    AlertDeliveryStatus,
    AlertEventKind,
    AlertStatus,
    EventType,
    Reason,
    Severity,
    WaitReason,
    iso,
    optional_iso,
)
from tocsin.routing.subject import Subject


@dataclass(frozen=True, slots=True)
class CurrentAlert:
    """The alert as it is now; `subject` is what rules see of it."""

    id: UUID
    subject: Subject
    status: AlertStatus
    triggered_at: datetime
    created_at: datetime
    occurrence_count: int = 1

    def document(self) -> dict[str, Any]:
        subject = self.subject
        return {
            "id": str(self.id),
            "title": subject.title,
            "severity": subject.severity.value,
            "status": self.status.value,
            "source": subject.source,
            "type": subject.type,
            "integration_id": str(subject.integration_id),
            "tenant_id": str(subject.tenant_id),
            "external_id": subject.external_id,
            "labels": dict(subject.labels),
            "occurrence_count": self.occurrence_count,
            "triggered_at": iso(self.triggered_at),
            "created_at": iso(self.created_at),
            "snoozed_until": None if subject.snooze is None else iso(subject.snooze.until),
            "snoozed_by": None if subject.snooze is None else subject.snooze.by,
        }


@dataclass(frozen=True, slots=True)
class WebhookFacts:
    """One attempt of a sender. `outcome` as in `webhook_deliveries`; `source` its integration."""

    id: UUID
    source: str
    created_at: datetime
    status_code: int
    outcome: str
    error_message: str | None = None
    flags: tuple[str, ...] = ()
    spooled_until: datetime | None = None
    """When it was committed, if the database was away when it was received."""
    duplicate_of_id: UUID | None = None
    replay_of_id: UUID | None = None

    def document(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "source": self.source,
            "created_at": iso(self.created_at),
            "status_code": self.status_code,
            "outcome": self.outcome,
            "error_message": self.error_message,
            "flags": list(self.flags),
            "duplicate_of_id": _text(self.duplicate_of_id),
            "replay_of_id": _text(self.replay_of_id),
        }


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """One entry of the alert's timeline; `actor` and `detail` as stored."""

    id: UUID
    kind: AlertEventKind
    at: datetime
    actor: Mapping[str, str]
    webhook_delivery_id: UUID | None = None
    detail: Mapping[str, Any] | None = None

    @property
    def event_type(self) -> EventType | None:
        """What destinations may be notified of because of it."""
        if self.kind is AlertEventKind.SEVERITY_CHANGED:
            return EventType.TRIGGERED if self._rose() else None
        return _TELLS.get(self.kind)

    def _rose(self) -> bool:
        detail = self.detail or {}
        if "from" not in detail or "to" not in detail:
            return False
        return Severity(detail["to"]).rank > Severity(detail["from"]).rank


_TELLS = {
    AlertEventKind.TRIGGERED: EventType.TRIGGERED,
    AlertEventKind.REOPENED: EventType.TRIGGERED,
    AlertEventKind.UNACKNOWLEDGED: EventType.TRIGGERED,
    AlertEventKind.ACKNOWLEDGEMENT_EXPIRED: EventType.TRIGGERED,
    AlertEventKind.ACKNOWLEDGED: EventType.ACKNOWLEDGED,
    AlertEventKind.RESOLVED: EventType.RESOLVED,
    AlertEventKind.CLOSED: EventType.CLOSED,
    AlertEventKind.REMINDED: EventType.REMINDER,
    AlertEventKind.FLAPPING: EventType.FLAPPING,
    AlertEventKind.SETTLED: EventType.SETTLED,
}


@dataclass(frozen=True, slots=True)
class AttemptFacts:
    """One attempt to deliver; `outcome` is sent, retry, failed or unknown."""

    number: int
    started_at: datetime
    duration_ms: int
    outcome: str
    http_status: int | None = None
    error_code: str | None = None
    message: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "started_at": iso(self.started_at),
            "duration_ms": self.duration_ms,
            "outcome": self.outcome,
            "http_status": self.http_status,
            "error_code": self.error_code,
            "message": self.message,
        }


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """One alert delivery with its attempts. `destination_name` None: the destination is gone.
    Names of what was deleted say so."""

    id: UUID
    destination_id: UUID
    destination_name: str | None
    event_type: EventType
    status: AlertDeliveryStatus
    reason: Reason
    rule_id: UUID | None
    rule_name: str | None
    created_at: datetime
    send_after: datetime | None = None
    sent_at: datetime | None = None
    attempt_count: int = 0
    last_error_code: str | None = None
    last_error_message: str | None = None
    detail: Mapping[str, Any] | None = None
    attempts: tuple[AttemptFacts, ...] = ()
    rule_is_deleted: bool = False
    wait_reason: WaitReason | None = None
    """Of one that is due, what of its destination keeps it waiting, and until when."""
    waits_until: datetime | None = None
    carried_by: UUID | None = None
    """The message about several alerts that says it."""

    @property
    def destination(self) -> str:
        """Its name for people."""
        return self.destination_name or f"a destination since deleted ({self.destination_id})"

    def document(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "destination_id": str(self.destination_id),
            "destination_name": self.destination_name,
            "event_type": self.event_type.value,
            "status": self.status.value,
            "reason": self.reason.value,
            "rule_id": _text(self.rule_id),
            "rule_name": self.rule_name,
            "created_at": iso(self.created_at),
            "send_after": optional_iso(self.send_after),
            "sent_at": optional_iso(self.sent_at),
            "attempt_count": self.attempt_count,
            "last_error_code": self.last_error_code,
            "last_error_message": self.last_error_message,
            "detail": dict(self.detail or {}),
            "wait_reason": self.wait_reason and self.wait_reason.value,
            "waits_until": optional_iso(self.waits_until),
            "carried_by": _text(self.carried_by),
        }


def _text(id: UUID | None) -> str | None:
    return None if id is None else str(id)
