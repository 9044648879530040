"""What people do to many alerts at once, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model.bulk_actions import BulkKind, BulkOutcome, BulkState
from tocsin.store.tables.base import NO_OBJECT, NOW, Base, one_of

_UNFINISHED = text("state IN ('running', 'canceling')")


class BulkAction(Base):
    """One action on all alerts that a filter had when it was made."""

    __tablename__ = "bulk_actions"
    __table_args__ = (
        CheckConstraint(one_of("kind", *(each.value for each in BulkKind)), "kind"),
        CheckConstraint(one_of("state", *(each.value for each in BulkState)), "state"),
        Index("ix_bulk_actions_workspace_id_id", "workspace_id", "id"),
        Index("ix_bulk_actions_unfinished", "workspace_id", "id", postgresql_where=_UNFINISHED),
        Index(
            "uq_bulk_actions_undo_of",
            "undo_of",
            unique=True,
            postgresql_where=text("undo_of IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str]
    query: Mapped[str]
    """The filter, as a person wrote it."""
    actor: Mapped[dict[str, Any]]
    wish: Mapped[dict[str, Any]] = mapped_column(server_default=NO_OBJECT)
    """`note`, `until`, `user_id`: as far as the kind has them."""
    state: Mapped[str] = mapped_column(server_default=text("'running'"))
    alert_count: Mapped[int]
    has_more: Mapped[bool]
    """More alerts matched than one bulk action takes."""
    changed_count: Mapped[int] = mapped_column(server_default=text("0"))
    unchanged_count: Mapped[int] = mapped_column(server_default=text("0"))
    refused_count: Mapped[int] = mapped_column(server_default=text("0"))
    undo_of: Mapped[UUID | None] = mapped_column(ForeignKey("bulk_actions.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    finished_at: Mapped[datetime | None]


class BulkActionAlert(Base):
    """One alert of a bulk action. No foreign key to the alert: each would lock it once more."""

    __tablename__ = "bulk_action_alerts"
    __table_args__ = (
        CheckConstraint(one_of("outcome", *(each.value for each in BulkOutcome)), "outcome"),
        Index(
            "ix_bulk_action_alerts_pending",
            "bulk_action_id",
            "place",
            postgresql_where=text("outcome IS NULL"),
        ),
    )

    bulk_action_id: Mapped[UUID] = mapped_column(
        ForeignKey("bulk_actions.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True)
    """In the order of the list, from 1."""
    alert_id: Mapped[UUID]
    outcome: Mapped[str | None]
    """None: not yet."""
    reason: Mapped[str] = mapped_column(server_default=text("''"))
    """Why it was refused, for people."""
