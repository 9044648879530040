"""Views of the list of alerts that have a name: a person's own, and those of the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import SavedView


def _seen_by(workspace_id: UUID, user_id: UUID | None) -> list[ColumnElement[bool]]:
    everybodys = SavedView.user_id.is_(None)
    seen = everybodys if user_id is None else or_(everybodys, SavedView.user_id == user_id)
    return [SavedView.workspace_id == workspace_id, seen]


async def page_of_views(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID | None, request: PageRequest
) -> RowPage[SavedView]:
    """Everybody's, and those of this user."""
    statement = select(SavedView).where(*_seen_by(workspace_id, user_id))
    return await fetch_page(session, statement, request, key=SavedView.id, list_name="saved-views")


async def views_of(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID
) -> Sequence[SavedView]:
    """The same as a reader wants them: everybody's first, by name."""
    statement = (
        select(SavedView)
        .where(*_seen_by(workspace_id, user_id))
        .order_by(SavedView.user_id.is_not(None), func.lower(SavedView.name), SavedView.id)
    )
    return (await session.scalars(statement)).all()


async def find_view(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID | None, view_id: UUID
) -> SavedView | None:
    seen = _seen_by(workspace_id, user_id)
    return await session.scalar(select(SavedView).where(SavedView.id == view_id, *seen))


async def count_views(session: DatabaseSession, workspace_id: UUID, user_id: UUID | None) -> int:
    """Of exactly this owner; None: everybody's."""
    owner = SavedView.user_id.is_(None) if user_id is None else SavedView.user_id == user_id
    statement = select(func.count()).where(SavedView.workspace_id == workspace_id, owner)
    return await session.scalar(statement) or 0
