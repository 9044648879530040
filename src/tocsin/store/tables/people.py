"""People: who they are, in which workspaces, how and when they are reached. A contact method is an
alert destination with a `user_id`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model import Urgency
from tocsin.store.tables.base import NO_OBJECT, NOT_DELETED, NOW, Base, Deletable, one_of

ROLE_CHECK = one_of("role", "viewer", "responder", "admin")


class User(Deletable, Base):
    """A person, the same in every workspace."""

    __tablename__ = "users"
    __table_args__ = (
        Index(
            "uq_users_email",
            func.lower(text("email")),
            unique=True,
            postgresql_where=NOT_DELETED,
        ),
        CheckConstraint(
            "deleted_at IS NULL OR (NOT is_active AND password_hash IS NULL)",
            "inert_once_deleted",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    password_hash: Mapped[str | None]
    """Argon2id; None: this person cannot sign in with a password."""
    timezone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    quiet_hours: Mapped[list[dict[str, Any]] | None]
    """When pages of low urgency wait: windows of days, start, end and timezone (null: their own)."""
    shift_notices: Mapped[dict[str, Any] | None]
    """What they want to be told of their shifts: `before_minutes`, `at_end`."""
    preferences: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)
    """How this person likes the console."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Membership(Base):
    __tablename__ = "memberships"
    __table_args__ = (
        CheckConstraint(ROLE_CHECK, "role"),
        Index("ix_memberships_workspace_id_user_id", "workspace_id", "user_id"),
    )

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Invitation(Base):
    """A link with which a person becomes a member."""

    __tablename__ = "invitations"
    __table_args__ = (CheckConstraint(ROLE_CHECK, "role"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    """SHA-256 of the token; that has 256 random bits, so a slow hash would add nothing."""
    invited_by: Mapped[dict[str, str]]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ContactCode(Base):
    """The code that was last sent to a contact method that is not verified yet."""

    __tablename__ = "contact_codes"

    alert_destination_id: Mapped[UUID] = mapped_column(
        ForeignKey("alert_destinations.id", ondelete="CASCADE"), primary_key=True
    )
    code_hash: Mapped[bytes]
    """Keyed: six digits are soon guessed from a plain hash."""
    wrong_count: Mapped[int] = mapped_column(server_default=text("0"))
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class NotificationRule(Base):
    """One line of how a person is paged in a workspace: so long after the page began, by this contact
    method."""

    __tablename__ = "notification_rules"
    __table_args__ = (
        CheckConstraint(one_of("urgency", *(each.value for each in Urgency)), "urgency"),
        CheckConstraint("delay_seconds >= 0", "delay"),
        UniqueConstraint("user_id", "workspace_id", "urgency", "position"),
        ForeignKeyConstraint(
            ["user_id", "workspace_id"],
            ["memberships.user_id", "memberships.workspace_id"],
            ondelete="CASCADE",
            name="fk_notification_rules_membership",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID]
    user_id: Mapped[UUID]
    urgency: Mapped[str]
    position: Mapped[int]
    delay_seconds: Mapped[int]
    contact_method_id: Mapped[UUID] = mapped_column(
        ForeignKey("alert_destinations.id", ondelete="CASCADE"), index=True
    )
    says_end: Mapped[bool | None]
    """Whether it also says that what it paged about is over; null: as is usual for its kind."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
