"""Who is reached, step by step: policies with their versions, and the escalations that run by them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model import EscalationState
from tocsin.store.tables.base import NO_OBJECT, NOT_DELETED, NOW, Base, Deletable

_LIVE = text("state IN ('running', 'held')")
_NOTHING = text("'[]'::jsonb")

escalation_state_type = Enum(
    EscalationState,
    name="escalation_state",
    values_callable=lambda kind: [member.value for member in kind],
)


class StoredPolicy(Deletable, Base):
    """As it is now; `escalation_policy_versions` has this version, too."""

    __tablename__ = "escalation_policies"
    __table_args__ = (
        Index(
            "uq_escalation_policies_workspace_id_name",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=NOT_DELETED,
        ),
        CheckConstraint("repeat BETWEEN 0 AND 9", "repeat"),
        CheckConstraint("ack_timeout_minutes >= 0", "ack_timeout_minutes"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    steps: Mapped[list[dict[str, Any]]]
    """As `tocsin.oncall.policy_shapes` reads them."""
    repeat: Mapped[int] = mapped_column(SmallInteger(), server_default=text("0"))
    on_exhausted_destination_id: Mapped[UUID | None]
    """Null: the workspace's fallback."""
    ack_timeout_minutes: Mapped[int | None]
    """Null: 30 for CRITICAL and HIGH, never for others; 0: never."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class StoredPolicyVersion(Base):
    """Never changed: an escalation ends by the version with which it began."""

    __tablename__ = "escalation_policy_versions"

    escalation_policy_id: Mapped[UUID] = mapped_column(
        ForeignKey("escalation_policies.id", ondelete="CASCADE"), primary_key=True
    )
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    steps: Mapped[list[dict[str, Any]]]
    repeat: Mapped[int] = mapped_column(SmallInteger())
    on_exhausted_destination_id: Mapped[UUID | None]
    ack_timeout_minutes: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class EscalationTurn(Base):
    """Whose turn it is in a step that takes one person at a time. Locked by who takes the next."""

    __tablename__ = "escalation_turns"

    escalation_policy_id: Mapped[UUID] = mapped_column(
        ForeignKey("escalation_policies.id", ondelete="CASCADE"), primary_key=True
    )
    step: Mapped[int] = mapped_column(SmallInteger(), primary_key=True, autoincrement=False)
    next: Mapped[int] = mapped_column(SmallInteger(), server_default=text("0"))
    """The place of the target that is asked first."""


class StoredEscalation(Base):
    """One alert's way through one version of a policy. After an acknowledgement that has expired, and
    for an alert that was reopened, there is a new one."""

    __tablename__ = "escalations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["escalation_policy_id", "policy_version"],
            [
                "escalation_policy_versions.escalation_policy_id",
                "escalation_policy_versions.version",
            ],
        ),
        UniqueConstraint("alert_id", "escalation_policy_id", "round"),
        Index(
            "uq_escalations_alert_id_escalation_policy_id_live",
            "alert_id",
            "escalation_policy_id",
            unique=True,
            postgresql_where=_LIVE,
        ),
        # As small as what is live, however many there were.
        Index("ix_escalations_next_at", "next_at", postgresql_where=_LIVE),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alerts.id", ondelete="CASCADE"))
    escalation_policy_id: Mapped[UUID]
    policy_version: Mapped[int]
    alert_rule_id: Mapped[UUID] = mapped_column(ForeignKey("alert_rules.id"))
    """The rule that named the policy."""
    round: Mapped[int] = mapped_column(server_default=text("1"))
    """How often this alert has begun the policy."""
    state: Mapped[EscalationState] = mapped_column(
        escalation_state_type, server_default=text("'running'::escalation_state")
    )
    reason: Mapped[str | None]
    """Why it is held, stopped or exhausted; null while it runs."""
    loop: Mapped[int] = mapped_column(SmallInteger(), server_default=text("0"))
    """How often all steps had been taken before."""
    step: Mapped[int] = mapped_column(SmallInteger(), server_default=text("0"))
    """The one that was begun last, from 0."""
    step_due_at: Mapped[datetime | None]
    """When the wait of that step ends."""
    next_at: Mapped[datetime | None]
    """When the clock looks at it; null: it is over."""
    held_since: Mapped[datetime | None]
    paged: Mapped[list[str]] = mapped_column(JSONB(), server_default=_NOTHING)
    """The users who were reached in this loop."""
    started_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class EscalationStep(Base):
    """A step that was taken, or passed. The key is what keeps one from being taken twice."""

    __tablename__ = "escalation_steps"

    escalation_id: Mapped[UUID] = mapped_column(
        ForeignKey("escalations.id", ondelete="CASCADE"), primary_key=True
    )
    loop: Mapped[int] = mapped_column(SmallInteger(), primary_key=True, autoincrement=False)
    step: Mapped[int] = mapped_column(SmallInteger(), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)
    """Whom each of its targets was resolved to, by which shift, who was passed over and why, and who
    asked for it before its time."""


class AlertResponder(Base):
    """A person who was asked to help with an alert, besides those whom a policy reaches."""

    __tablename__ = "alert_responders"

    alert_id: Mapped[UUID] = mapped_column(
        ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    added_at: Mapped[datetime]
    added_by: Mapped[dict[str, str]]
