"""What is known of the sweeping of history."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.store.tables.base import Base

_NONE = text("0")


class StoredRetentionPass(Base):
    """The newest pass over one kind of history, and the newest that deleted anything."""

    __tablename__ = "retention_passes"

    kind: Mapped[str] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """Null: it is under way, or was broken off."""
    deleted: Mapped[int] = mapped_column(BigInteger(), server_default=_NONE)
    last_deleted_at: Mapped[datetime | None]
    last_deleted: Mapped[int] = mapped_column(BigInteger(), server_default=_NONE)
