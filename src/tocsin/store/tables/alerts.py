"""What a person handles: alerts and their timelines."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model import AlertStatus, Severity
from tocsin.store.tables.base import (
    LIVE,
    NO_OBJECT,
    NOW,
    Base,
    alert_status_type,
    severity_type,
)


class Alert(Base):
    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_integration_id_triggered_at", "integration_id", "triggered_at"),
        Index("ix_alerts_status_triggered_at", "status", "triggered_at"),
        Index("ix_alerts_severity_triggered_at", "severity", "triggered_at"),
        Index("ix_alerts_external_id", "external_id"),
        Index(
            "uq_alerts_integration_id_external_id_live",
            "integration_id",
            "external_id",
            unique=True,
            postgresql_where=LIVE,
        ),
        Index("ix_alerts_workspace_id_id", "workspace_id", "id"),
        # The list of what is live, worst first and then newest: a page of it is read, not sorted.
        # The second condition is always true, and keeps the index out of questions that name no
        # workspace: where nothing was live for long, reading all of it looks cheap to the planner.
        Index(
            "ix_alerts_live_by_severity",
            "workspace_id",
            "severity",
            text("id DESC"),
            postgresql_where=text(f"{LIVE.text} AND workspace_id IS NOT NULL"),
        ),
        # The same of each tenant; its second condition is like the one above.
        Index(
            "ix_alerts_live_of_tenant",
            "tenant_id",
            "severity",
            text("id DESC"),
            postgresql_where=text(f"{LIVE.text} AND tenant_id IS NOT NULL"),
        ),
        # What is over, newest first, by its state; and what somebody has. No trigger writes either.
        Index(
            "ix_alerts_over",
            "workspace_id",
            "status",
            text("id DESC"),
            postgresql_where=text("status IN ('RESOLVED', 'CLOSED')"),
        ),
        Index(
            "ix_alerts_acknowledged",
            "workspace_id",
            "severity",
            text("id DESC"),
            postgresql_where=text("status = 'ACKNOWLEDGED'"),
        ),
        Index(
            "ix_alerts_acknowledged_by",
            "acknowledged_by",
            postgresql_where=text("status = 'ACKNOWLEDGED' AND acknowledged_by IS NOT NULL"),
        ),
        # A repeat changes no index; with room for it on its page it writes none either.
        {"postgresql_with": {"fillfactor": "50"}},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    integration_id: Mapped[UUID] = mapped_column(ForeignKey("integrations.id"))
    title: Mapped[str]
    description: Mapped[str | None]
    severity: Mapped[Severity] = mapped_column(severity_type)
    status: Mapped[AlertStatus] = mapped_column(
        alert_status_type, server_default=text("'OPEN'::alert_status")
    )
    source: Mapped[str]
    external_id: Mapped[str | None]
    triggered_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata", server_default=NO_OBJECT)
    labels: Mapped[dict[str, str]] = mapped_column(server_default=NO_OBJECT)
    occurrence_count: Mapped[int] = mapped_column(server_default=text("1"))
    last_received_at: Mapped[datetime]
    last_signal_at: Mapped[datetime]
    """Sender's time of the newest signal applied; an older one never moves the alert back."""
    words_digest: Mapped[UUID | None]
    """16 bytes by which a repeat knows, without reading them, whether title, description, labels or
    metadata have changed; null for an alert of an earlier version."""
    snoozed_until: Mapped[datetime | None]
    """Until then nobody is notified of it, by a person's wish; it may lie in the past."""
    snoozed_by: Mapped[str | None]
    flaps: Mapped[dict[str, Any] | None]
    """How often it has come and gone (`routing/flapping.py`); null: it has opened, and that is all."""

    @property
    def flapping_since(self) -> datetime | None:
        """None: it does not flap. What is closed does no more."""
        since = (self.flaps or {}).get("since")
        closed = self.status is AlertStatus.CLOSED
        return None if since is None or closed else datetime.fromisoformat(since)

    assigned_to: Mapped[UUID | None]
    """A user. Keys of users would be checked with every alert, which none has when it is made."""
    acknowledged_by: Mapped[UUID | None]
    """The user who did; null where nobody did, or it is not known who."""
    acknowledged_until: Mapped[datetime | None]
    """When its acknowledgement expires; null: never."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class AlertTimer(Base):
    """What is to be done with an alert at a time, by whoever keeps the clock."""

    __tablename__ = "alert_timers"

    alert_id: Mapped[UUID] = mapped_column(
        ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    alert_destination_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Zero where it concerns the alert, not one of its destinations."""
    due_at: Mapped[datetime] = mapped_column(index=True)
    workspace_id: Mapped[UUID]
    """The alert's, so that no workspace stands before another."""


class AlertEvent(Base):
    __tablename__ = "alert_events"
    __table_args__ = (
        Index("ix_alert_events_alert_id_id", "alert_id", "id"),
        Index(
            "ix_alert_events_webhook_delivery_id",
            "webhook_delivery_id",
            postgresql_where=text("webhook_delivery_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID]
    kind: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[dict[str, str]]
    webhook_delivery_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)
