"""What people keep of the console: views with a name."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.store.tables.base import NOW, Base


class SavedView(Base):
    """A filter of the list of alerts that has a name."""

    __tablename__ = "saved_views"
    __table_args__ = (
        Index("ix_saved_views_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    """Whose it is; None: everybody's in the workspace."""
    name: Mapped[str]
    query: Mapped[str]
    group_by: Mapped[str | None]
    """The label to group by; None: flat."""
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
