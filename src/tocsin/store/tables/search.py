"""Where words are looked for: a copy of what alerts say, beside them.

An index of words costs more than all others of an alert together, so no webhook waits for it: the
copy is made a few seconds later (`store/search_copy.py`), and what is newer is read as it stands.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import DDL, Index, event, text
from sqlalchemy.orm import Mapped, mapped_column

from tocsin.store.tables.base import Base


class AlertSearch(Base):
    __tablename__ = "alert_search"
    __table_args__ = (
        Index(
            "ix_alert_search_words_live",
            "words",
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
            postgresql_where=text("is_live"),
        ),
        Index(
            "ix_alert_search_words_over",
            "words",
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
            postgresql_where=text("NOT is_live"),
        ),
        Index("ix_alert_search_live", "alert_id", postgresql_where=text("is_live")),
    )

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    """No foreign key: each would lock its alert, which writes it once more."""
    workspace_id: Mapped[UUID]
    is_live: Mapped[bool]
    """As it was when it was copied: a short list to search, whatever is over."""
    words_digest: Mapped[UUID | None]
    """The alert's, by which is known that it says something else now."""
    words: Mapped[str]
    """In lower case, a line each: title, description, source, external id, `name=value` per label."""


class AlertSearchState(Base):
    """One row. Every alert with an id up to `copied_through` has its copy; null: none has."""

    __tablename__ = "alert_search_state"

    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    copied_through: Mapped[UUID | None]


# In the migration a server that does not have it does without; here, as everywhere, it is asked for.
event.listen(
    AlertSearch.metadata.tables["alert_search"],
    "before_create",
    DDL("CREATE EXTENSION IF NOT EXISTS pg_trgm"),  # type: ignore[no-untyped-call]
)
