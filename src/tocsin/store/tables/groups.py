"""Several alerts in one message: groups, and who is in them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.model import Severity
from tocsin.store.tables.base import NO_OBJECT, Base, one_of, severity_type


class AlertGroup(Base):
    """What waits for, or was in, messages about several alerts to one destination, of one tenant; the
    pages of one person are of all tenants, and have that of the first."""

    __tablename__ = "alert_groups"
    __table_args__ = (
        CheckConstraint(one_of("kind", "rule", "storm", "maintenance", "pages"), "known_kind"),
        Index(
            "ix_alert_groups_storms",
            "alert_destination_id",
            postgresql_where=text("kind IN ('storm', 'pages')"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """From what its alerts share: the same wherever it is asked for (`routing/group.py`)."""
    kind: Mapped[str]
    thread_id: Mapped[UUID]
    """What its messages have in common, until it ends."""
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    tenant_id: Mapped[UUID]
    alert_rule_id: Mapped[UUID | None]
    """None: no rule asked for any of it, but a person."""
    alert_destination_id: Mapped[UUID]
    labels: Mapped[dict[str, str]] = mapped_column(server_default=NO_OBJECT)
    look_at: Mapped[datetime] = mapped_column(index=True)
    next_at: Mapped[datetime | None]
    """When its next message goes, if there is something to say."""
    opened_at: Mapped[datetime]
    last_sent_at: Mapped[datetime | None]
    told: Mapped[Severity | None] = mapped_column(severity_type)
    """The worst that its last message showed as open."""
    over_at: Mapped[datetime | None]
    budget: Mapped[float] = mapped_column(server_default=text("0"))
    """Of a storm, or of pages: what its destination takes in five minutes."""
    gathered: Mapped[int] = mapped_column(server_default=text("0"))
    """Of a storm: how much has come since the last digest."""


class AlertGroupMember(Base):
    """An alert that is in a group. `told_at` None: no message has said it yet."""

    __tablename__ = "alert_group_members"

    group_id: Mapped[UUID] = mapped_column(
        ForeignKey("alert_groups.id", ondelete="CASCADE"), primary_key=True
    )
    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    joined_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
