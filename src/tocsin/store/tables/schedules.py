"""Who is on call: schedules, every version that there was, and what was changed by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.store.tables.base import NOT_DELETED, NOW, Base, Deletable, one_of


class StoredSchedule(Deletable, Base):
    """A schedule as it is configured now. What holds at a time is said by its versions."""

    __tablename__ = "schedules"
    __table_args__ = (
        Index(
            "uq_schedules_workspace_id_name",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=NOT_DELETED,
        ),
        CheckConstraint(
            "fallback_user_id IS NULL OR fallback_destination_id IS NULL", "one_fallback"
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    timezone: Mapped[str]
    layers: Mapped[list[dict[str, Any]]]
    """As `oncall/documents.py` writes them."""
    fallback_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    fallback_destination_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("alert_destinations.id")
    )
    effective_from: Mapped[datetime]
    """Since when, or from when on, this holds: the time of the newest version."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class StoredScheduleVersion(Base):
    """What held, or will hold, of a schedule. A change begins a new one; those that have ended never
    change."""

    __tablename__ = "schedule_versions"

    schedule_id: Mapped[UUID] = mapped_column(
        ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True
    )
    effective_from: Mapped[datetime] = mapped_column(primary_key=True)
    effective_until: Mapped[datetime | None]
    timezone: Mapped[str]
    layers: Mapped[list[dict[str, Any]]]
    fallback_user_id: Mapped[UUID | None]
    fallback_destination_id: Mapped[UUID | None]


class StoredOverride(Base):
    __tablename__ = "schedule_overrides"
    __table_args__ = (
        CheckConstraint("ends_at > starts_at", "has_length"),
        CheckConstraint(one_of("kind", "replace", "add", "remove", "cover"), "kind"),
        CheckConstraint(
            "(user_id IS NOT NULL) = (kind IN ('replace', 'remove'))"
            " AND (substitute_user_id IS NOT NULL) = (kind <> 'remove')",
            "who",
        ),
        Index("ix_schedule_overrides_schedule_id_ends_at", "schedule_id", "ends_at"),
        Index("ix_schedule_overrides_shift_swap_id", "shift_swap_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedules.id", ondelete="CASCADE"))
    layer_id: Mapped[UUID | None]
    """None: the whole schedule."""
    kind: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Who leaves."""
    substitute_user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Who comes."""
    shift_swap_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("shift_swaps.id", ondelete="CASCADE")
    )
    comment: Mapped[str] = mapped_column(server_default=text("''"))
    author: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ShiftSwap(Base):
    """Somebody asks to be on call less: to give a time away, or to exchange it for another's. What was
    taken is carried out by overrides."""

    __tablename__ = "shift_swaps"
    __table_args__ = (
        CheckConstraint(one_of("kind", "give", "exchange"), "kind"),
        CheckConstraint(one_of("state", "open", "taken", "canceled"), "state"),
        CheckConstraint("ends_at > starts_at AND return_ends_at > return_starts_at", "has_length"),
        CheckConstraint("(taken_by IS NOT NULL) = (state = 'taken')", "taken"),
        Index("ix_shift_swaps_schedule_id", "schedule_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    schedule_id: Mapped[UUID] = mapped_column(ForeignKey("schedules.id", ondelete="CASCADE"))
    kind: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=text("'open'"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    """Whose time it is."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    taken_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    return_starts_at: Mapped[datetime | None]
    """Of an exchange: the time that is taken over in return, of whoever took it."""
    return_ends_at: Mapped[datetime | None]
    comment: Mapped[str] = mapped_column(server_default=text("''"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ScheduleNotice(Base):
    """What was told of a schedule already, so that nobody is told twice: of a shift, of its gaps; and
    that they were looked at on a day."""

    __tablename__ = "schedule_notices"

    schedule_id: Mapped[UUID] = mapped_column(
        ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    """It is forgotten then, unless it is seen again."""


class CalendarFeed(Base):
    """An address at which calendars find the shifts of a schedule, of a user, or of one in the other."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (
        CheckConstraint("schedule_id IS NOT NULL OR user_id IS NOT NULL", "of_something"),
        UniqueConstraint("token_hash"),
        Index("ix_calendar_feeds_workspace_id", "workspace_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    schedule_id: Mapped[UUID | None] = mapped_column(ForeignKey("schedules.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    token_hash: Mapped[bytes]
    """SHA-256 of the token; that has 256 random bits, so a slow hash would add nothing."""
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
