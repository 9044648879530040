"""A change of an alert that destinations may be notified of, as its transaction knows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.json import decode
from msgspec.structs import replace

from tocsin.alerts.correlate import AlertState, Step
from tocsin.alerts.directory import IntegrationEntry
from tocsin.message import AlertView
from tocsin.model import NO_ENTRIES, AlertStatus, AlertWords, EventType, Signal, WebhookStatus
from tocsin.routing.flapping import Flaps
from tocsin.routing.subject import Subject

ENDINGS = (EventType.RESOLVED, EventType.CLOSED)
MATCHED_LABELS = 8
"""That a message names."""


class Cause(Struct, frozen=True):
    """What a signal came with. `received_at` bounds the sender's clock; `at` is when it is put on
    record, later than that for a replay. `webhook_delivery_id` None: no webhook brought it.
    `in_order`: see `correlate`."""

    received_at: datetime
    at: datetime
    webhook_delivery_id: bytes | None
    in_order: bool


class AlertDetails(Struct, frozen=True):
    """What people and rules see of an alert, besides its state."""

    tenant_id: UUID
    title: str
    description: str | None
    external_id: str | None
    labels: dict[str, str]
    metadata: dict[str, Any]
    created_at: datetime

    def with_words(self, words: AlertWords) -> AlertDetails:
        """The same alert, as its newest signal describes it."""
        return replace(
            self,
            title=words.title,
            description=self.description if words.description is None else words.description,
            labels=self.labels if words.labels == NO_ENTRIES else decode(words.labels),
            metadata=self.metadata if words.metadata == NO_ENTRIES else decode(words.metadata),
        )

    @classmethod
    def of_row(cls, row: Any) -> AlertDetails:
        """From a row that has its fields among its columns."""
        return cls(*(getattr(row, name) for name in cls.__struct_fields__))

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


class Reminding(Struct, frozen=True):
    """Destinations that may be reminded, with when each was last notified. `only_set`: they are not
    reminded now; it is only found out when they are to be."""

    since: Mapping[UUID, datetime]
    only_set: bool = False


class AlertChange(Struct, frozen=True):
    """One change, with the alert as it stood then. `details` None: the alert is older than this
    transaction and they have to be read. `actor` names who did it, for people."""

    event_type: EventType
    alert: AlertState
    entry: IntegrationEntry
    actor: str
    details: AlertDetails | None = None
    is_worse: bool = False
    """The severity rose: rules that the old one did not reach are asked again."""
    is_old: bool = False
    """The alert is older than this transaction, though its details are given."""
    reminding: Reminding | None = None
    flaps: Flaps | None = None
    """As it was when it began to flap, or until it settled."""
    no_news_since: datetime | None = None
    """It is taken to be over, because its source has said nothing since."""
    said: str | None = None
    """What the actor noted with it."""

    @property
    def has_history(self) -> bool:
        return self.is_old or self.details is None

    def subject(self, details: AlertDetails) -> Subject:
        """What rules look at."""
        return Subject(
            tenant_id=details.tenant_id,
            integration_id=self.entry.id,
            external_id=details.external_id,
            title=details.title,
            severity=self.alert.severity,
            source=self.entry.name,
            type=self.entry.type,
            labels=details.labels,
            snooze=self.alert.snooze,
            flaps=self.alert.flaps,
        )

    def matched_labels(self, details: AlertDetails) -> tuple[str, ...]:
        """Those of its labels that rules of its workspace match on, a few at most."""
        names = self.entry.routing.matched_labels
        if not names:
            return ()
        return tuple(name for name in names if name in details.labels)[:MATCHED_LABELS]

    def document(self, details: AlertDetails) -> AlertView:
        """The alert as messages describe it."""
        alert, entry = self.alert, self.entry
        return AlertView(
            id=UUID(bytes=alert.id),
            workspace_id=entry.workspace_id,
            tenant_id=details.tenant_id,
            integration_id=entry.id,
            title=details.title,
            description=details.description,
            severity=alert.severity,
            status=alert.status,
            source=entry.name,
            external_id=details.external_id,
            triggered_at=alert.triggered_at,
            acknowledged_at=alert.acknowledged_at,
            resolved_at=alert.resolved_at,
            closed_at=alert.closed_at,
            metadata=details.metadata,
            labels=details.labels,
            occurrence_count=alert.occurrence_count,
            last_received_at=alert.last_received_at,
            created_at=details.created_at,
            updated_at=alert.last_received_at,
        )


def concerns_anyone(entry: IntegrationEntry, event_type: EventType) -> bool:
    """Whether planning can come to anything: somebody listens, or something may be canceled."""
    routing = entry.routing
    return routing.listens(event_type) or (event_type in ENDINGS and bool(routing.destinations))


def event_type_of(step: Step) -> EventType | None:
    """What destinations may be notified of; of an alert that is born resolved nobody is."""
    if step.created and step.alert is not None:
        return EventType.TRIGGERED if step.alert.status is AlertStatus.OPEN else None
    if step.worsened or step.reopened:
        return EventType.TRIGGERED
    if step.status is WebhookStatus.ACKNOWLEDGED:
        return EventType.ACKNOWLEDGED
    return EventType.RESOLVED if step.status is WebhookStatus.RESOLVED else None
