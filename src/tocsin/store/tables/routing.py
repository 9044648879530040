"""Who must know: rules, silences, cooldowns."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model import OnEnd, Severity
from tocsin.store.tables.base import (
    NOT_DELETED,
    NOW,
    Base,
    Deletable,
    one_of,
    severity_type,
)


class AlertRule(Deletable, Base):
    __tablename__ = "alert_rules"
    __table_args__ = (
        Index(
            "uq_alert_rules_workspace_id_name",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=NOT_DELETED,
        ),
        CheckConstraint("deleted_at IS NULL OR NOT is_enabled", "inert_once_deleted"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text()))
    min_severity: Mapped[Severity | None] = mapped_column(severity_type)
    tenant_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid()))
    matchers: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    unless: Mapped[list[list[dict[str, Any]]]] = mapped_column(server_default=text("'[]'::jsonb"))
    """Lists of matchers; the rule does not apply to what matches all of any of them."""
    destination_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()))
    cooldown_seconds: Mapped[int | None]
    cooldown_breakthrough_severity: Mapped[Severity | None] = mapped_column(severity_type)
    """Alerts at least as bad are sent in spite of the cooldown."""
    quiet_hours: Mapped[list[dict[str, Any]] | None]
    remind_every_seconds: Mapped[int | None]
    """What is still open, and not acknowledged, is notified of again after so long; null: never."""
    group_by: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    """Labels by which it gathers alerts into one message; None: it does not."""
    group_wait_seconds: Mapped[int] = mapped_column(server_default=text("30"))
    group_interval_seconds: Mapped[int] = mapped_column(server_default=text("300"))
    group_linger_seconds: Mapped[int] = mapped_column(server_default=text("600"))
    escalation_policy_id: Mapped[UUID | None] = mapped_column(ForeignKey("escalation_policies.id"))
    """By which people are notified, besides its destinations."""
    position: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class StoredSilence(Base):
    __tablename__ = "silences"
    __table_args__ = (
        Index("ix_silences_workspace_id_ends_at", "workspace_id", "ends_at"),
        CheckConstraint("ends_at >= starts_at", "ends_after_start"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    matchers: Mapped[list[dict[str, Any]]]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    author: Mapped[str]
    comment: Mapped[str]
    breakthrough_severity: Mapped[Severity | None] = mapped_column(severity_type)
    """Alerts at least as bad are sent in spite of it."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class StoredWindow(Base):
    """Local times (without a zone) are those of `timezone`."""

    __tablename__ = "maintenance_windows"
    __table_args__ = (
        Index(
            "ix_maintenance_windows_workspace_id_last_starts_at", "workspace_id", "last_starts_at"
        ),
        CheckConstraint("duration_minutes > 0", "lasts"),
        CheckConstraint(one_of("on_end", *(each.value for each in OnEnd)), "on_end_known"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    comment: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    matchers: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    tenant_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid()))
    timezone: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(DateTime())
    duration_minutes: Mapped[int]
    rrule: Mapped[str | None]
    exdates: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime()), server_default=text("'{}'"))
    last_starts_at: Mapped[datetime | None]
    """The instant of the last start, worked out when it is written; null: there is always another."""
    ended_at: Mapped[datetime | None]
    """What had begun by then was ended early."""
    breakthrough_severity: Mapped[Severity | None] = mapped_column(severity_type)
    """Alerts at least as bad are sent in spite of it."""
    on_end: Mapped[OnEnd] = mapped_column(Text(), server_default=text("'notify_open'"))
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Cooldown(Base):
    """When a rule last notified a destination of one alert key (integration and external id)."""

    __tablename__ = "cooldowns"

    problem: Mapped[UUID] = mapped_column(primary_key=True)
    """First 128 bits of the SHA-256 of integration and external id."""
    alert_rule_id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_destination_id: Mapped[UUID] = mapped_column(primary_key=True)
    told_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
