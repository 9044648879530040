"""Who is expected to ping: heartbeats, what is known of each, and what happened to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model import Severity
from tocsin.store.tables.base import (
    NO_OBJECT,
    NOT_DELETED,
    NOW,
    Base,
    Deletable,
    one_of,
    severity_type,
)

_NO_TEXTS = text("'{}'::text[]")


class Heartbeat(Deletable, Base):
    """What is expected. What is known of it stands apart, so that a ping writes a short row."""

    __tablename__ = "heartbeats"
    __table_args__ = (
        Index(
            "uq_heartbeats_workspace_id_name",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=NOT_DELETED,
        ),
        Index(
            "uq_heartbeats_workspace_id_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=NOT_DELETED,
        ),
        Index("uq_heartbeats_token_digest", "token_digest", unique=True),
        Index("ix_heartbeats_integration_id", "integration_id"),
        Index(
            "uq_heartbeats_parent_id_bound_values",
            "parent_id",
            "bound_values",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND parent_id IS NOT NULL"),
        ),
        CheckConstraint(one_of("kind", "interval", "cron", "calendar"), "kind"),
        CheckConstraint("(kind = 'interval') = (period_seconds IS NOT NULL)", "period"),
        CheckConstraint(one_of("methods", "any", "post"), "methods"),
        CheckConstraint("recovery_pings >= 1", "recovery_pings"),
        CheckConstraint(
            "expect_first_within_seconds IS NULL OR cardinality(bound_labels) = 0", "first_ping"
        ),
        CheckConstraint("deleted_at IS NULL OR token_digest IS NULL", "inert_once_deleted"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"))
    integration_id: Mapped[UUID] = mapped_column(ForeignKey("integrations.id"))
    """Whose alerts are opened; one of the type `heartbeat`."""
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None]
    """What it is for and what to do, as its alerts say."""
    alert_title: Mapped[str | None]
    """Of the alert when no ping came in time; null: made of the name."""
    kind: Mapped[str]
    period_seconds: Mapped[int | None]
    expressions: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=_NO_TEXTS)
    timezone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    grace_seconds: Mapped[int]
    max_run_seconds: Mapped[int | None]
    severity: Mapped[Severity] = mapped_column(
        severity_type, server_default=text("'HIGH'::alert_severity")
    )
    labels: Mapped[dict[str, str]] = mapped_column(server_default=NO_OBJECT)
    methods: Mapped[str] = mapped_column(server_default=text("'any'"))
    manual_resume: Mapped[bool] = mapped_column(server_default=text("false"))
    recovery_pings: Mapped[int] = mapped_column(server_default=text("1"))
    expect_first_within_seconds: Mapped[int | None]
    """How long it may wait for its first ping; null: forever."""
    token_digest: Mapped[UUID | None]
    """First 128 bits of the SHA-256 of the token in its ping address; null where it has none."""
    bound_integration_id: Mapped[UUID | None] = mapped_column(ForeignKey("integrations.id"))
    """Whose signals, where they match, are its pings and no alerts."""
    bound_matchers: Mapped[list[dict[str, Any]] | None]
    bound_labels: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=_NO_TEXTS)
    """Each distinct set of their values is a heartbeat of its own, made when it first pings."""
    parent_id: Mapped[UUID | None]
    """The bound heartbeat that it was made for, and the values of those labels."""
    bound_values: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class HeartbeatStatus(Base):
    """What is known of a heartbeat. Written at every ping: no index but on what most pings leave
    alone, and room in each page, so that most writes touch one page."""

    __tablename__ = "heartbeat_statuses"
    __table_args__ = (
        Index(
            "ix_heartbeat_statuses_look_at",
            "look_at",
            postgresql_where=text("look_at IS NOT NULL"),
        ),
        Index(
            "ix_heartbeat_statuses_loss_id",
            "loss_id",
            postgresql_where=text("loss_id IS NOT NULL"),
        ),
        Index(
            "ix_heartbeat_statuses_down",
            "heartbeat_id",
            postgresql_where=text("state = 'down'"),
        ),
        CheckConstraint(one_of("state", "new", "up", "down", "paused"), "state"),
        {"postgresql_with": {"fillfactor": "60"}},
    )

    heartbeat_id: Mapped[UUID] = mapped_column(
        ForeignKey("heartbeats.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[str] = mapped_column(server_default=text("'new'"))
    last_ping_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    run_id: Mapped[UUID | None]
    due_at: Mapped[datetime | None]
    due_reason: Mapped[str | None]
    look_at: Mapped[datetime | None]
    """When the clock looks at it, never later than `due_at` and `paused_until`. A ping moves `due_at`
    alone; the clock, finding that it came too early, follows."""
    paused_until: Mapped[datetime | None]
    down_since: Mapped[datetime | None]
    successes: Mapped[int] = mapped_column(server_default=text("0"))
    ended_run_id: Mapped[UUID | None]
    ended_with: Mapped[str | None]
    waiting_since: Mapped[datetime | None]
    """Since when it waits for its first ping."""
    ping_count: Mapped[int] = mapped_column(BigInteger(), server_default=text("0"))
    last_duration_ms: Mapped[int | None] = mapped_column(BigInteger())
    loss_id: Mapped[UUID | None]
    """The loss that it is down by; its alert is that of the loss."""


class HeartbeatLoss(Base):
    """Many heartbeats that are lost together, while that lasts."""

    __tablename__ = "heartbeat_losses"
    __table_args__ = (
        Index(
            "uq_heartbeat_losses_integration_id_tenant_id",
            "integration_id",
            "tenant_id",
            unique=True,
        ),
        Index("ix_heartbeat_losses_tenant_id", "tenant_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    integration_id: Mapped[UUID] = mapped_column(ForeignKey("integrations.id", ondelete="CASCADE"))
    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    began_at: Mapped[datetime]
    moved_at: Mapped[datetime]
    """When one came back last."""
    lost: Mapped[int] = mapped_column(server_default=text("0"))
    """In all; some of them are back."""
    returned: Mapped[int] = mapped_column(server_default=text("0"))


class HeartbeatPing(Base):
    """The newest pings of each heartbeat, in a ring of places: a new one takes the oldest's."""

    __tablename__ = "heartbeat_pings"
    __table_args__ = ({"postgresql_with": {"fillfactor": "80"}},)

    heartbeat_id: Mapped[UUID] = mapped_column(
        ForeignKey("heartbeats.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger())
    """Counted from the first ping of the heartbeat."""
    at: Mapped[datetime]
    kind: Mapped[str]
    outcome: Mapped[str]
    exit_code: Mapped[int | None]
    run_id: Mapped[UUID | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger())
    method: Mapped[str]
    body: Mapped[str | None]


class HeartbeatChange(Base):
    """A change of state. One with which an alert begins or ends waits for the clock to do that."""

    __tablename__ = "heartbeat_changes"
    __table_args__ = (
        Index("ix_heartbeat_changes_heartbeat_id_id", "heartbeat_id", "id"),
        Index(
            "ix_heartbeat_changes_waiting",
            "sequence",
            postgresql_where=text("processed_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger(), Identity(always=True))
    """In the order in which they were written; clocks of nodes differ."""
    heartbeat_id: Mapped[UUID] = mapped_column(ForeignKey("heartbeats.id"))
    at: Mapped[datetime]
    before: Mapped[str]
    after: Mapped[str]
    reason: Mapped[str]
    exit_code: Mapped[int | None]
    body: Mapped[str | None]
    """What the failing ping said."""
    processed_at: Mapped[datetime | None]


class HeartbeatWatch(Base):
    """One row: until when somebody watched. What fell due while nobody did gets time to ping."""

    __tablename__ = "heartbeat_watch"
    __table_args__ = (CheckConstraint("id", "one_row"),)

    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    watched_until: Mapped[datetime]
    timezone_data: Mapped[str | None]
    """The rules of time zones by which the times of cron and calendar heartbeats were worked out."""
