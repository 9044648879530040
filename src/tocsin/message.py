"""What a channel is given to say: plain values, no database rows, no secrets of the sender's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.model import AlertStatus, EventType, Severity


@dataclass(frozen=True, slots=True)
class Named:
    id: UUID
    name: str
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class AlertView:
    """The alert as it stood when the message was planned."""

    id: UUID
    title: str
    description: str | None
    severity: Severity
    status: AlertStatus
    source: str
    integration_id: UUID
    tenant_id: UUID
    external_id: str | None
    triggered_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    labels: Mapping[str, str]
    metadata: Mapping[str, Any]
    occurrence_count: int
    last_received_at: datetime
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Links:
    """Where a reader can go. `code` is the short code to type when acting; it is made per
    recipient, action and alert, and never stored in clear."""

    alert: str
    acknowledge: str | None = None
    resolve: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One alert delivery, ready to be put into a channel's words. For `alerts.test`, tenant, rule
    and alert are None."""

    id: UUID
    event_type: EventType
    created_at: datetime
    attempt: int
    workspace: Named
    tenant: Named | None
    rule: Named | None
    alert: AlertView | None
    destination_name: str
    actor: str | None = None
    """Who acknowledged, resolved or closed it, for people."""
    note: str | None = None
    """Why it comes here, where no rule says so (the fallback destination is told); for people."""
