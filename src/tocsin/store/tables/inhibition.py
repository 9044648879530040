"""Which alerts hold which others: the rules, and where live alerts stand by them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.store.tables.base import NOW, Base


class StoredInhibitionRule(Base):
    __tablename__ = "inhibition_rules"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    name: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    source_matchers: Mapped[list[dict[str, Any]]]
    target_matchers: Mapped[list[dict[str, Any]]]
    equal: Mapped[list[str]] = mapped_column(ARRAY(Text()), server_default=text("'{}'"))
    delay_seconds: Mapped[int]
    grace_seconds: Mapped[int]
    defined_at: Mapped[datetime] = mapped_column(server_default=NOW)
    """When its sources and targets were last redefined."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class InhibitionSource(Base):
    """A live alert that holds others, or one that did until shortly ago. `key`: those that share it by
    one rule (see `tocsin.routing.inhibition`)."""

    __tablename__ = "inhibition_sources"
    __table_args__ = (
        Index("ix_inhibition_sources_key_ended_at", "key", "ended_at"),
        Index(
            "ix_inhibition_sources_look_at",
            "look_at",
            postgresql_where=text("look_at IS NOT NULL"),
        ),
    )

    key: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
    inhibition_rule_id: Mapped[UUID]
    targets: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid()), server_default=text("'{}'"))
    """The keys that it is itself a target of."""
    title: Mapped[str]
    since: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    look_at: Mapped[datetime | None]
    """Its targets are to be looked at then."""


class InhibitionTarget(Base):
    """A live alert that sources of its key hold."""

    __tablename__ = "inhibition_targets"

    key: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(primary_key=True, index=True)
