"""Workspaces and their tenants, and the version of all configuration."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.store.tables.base import (
    NOT_DELETED,
    NOW,
    Base,
    Deletable,
)


class Workspace(Base):
    __tablename__ = "workspaces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    fallback_destination_id: Mapped[UUID | None]
    """Notified when another destination keeps failing or a CRITICAL alert's message was given up."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Tenant(Deletable, Base):
    __tablename__ = "tenants"
    __table_args__ = (
        Index(
            "uq_tenants_workspace_id_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=NOT_DELETED,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    slug: Mapped[str]
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    updated_at: Mapped[datetime] = mapped_column(server_default=NOW)


class ConfigurationVersion(Base):
    """One row. Its version rises with every change of what ingest and delivery go by, inside the
    transaction of the change (trigger in the migrations), so that no node decides by old rules."""

    __tablename__ = "configuration"
    __table_args__ = (CheckConstraint("id", "one_row"),)

    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    version: Mapped[int] = mapped_column(BigInteger(), server_default=text("1"))
