"""Alert destinations of a workspace; contact methods are not among them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, equal, fetch_page
from tocsin.store.tables import AlertDestination


async def names_of_destinations(
    session: DatabaseSession, workspace_id: UUID, ids: Collection[UUID]
) -> Mapping[UUID, str]:
    """Of these, contact methods too, as far as they are there still."""
    table = AlertDestination
    rows = await session.execute(
        select(table.id, table.name).where(
            table.workspace_id == workspace_id, table.id.in_(ids), table.deleted_at.is_(None)
        )
    )
    return {row.id: row.name for row in rows}


async def page_of_destinations(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    type: str | None,
    is_enabled: bool | None,
) -> RowPage[AlertDestination]:
    table = AlertDestination
    statement = select(table).where(
        table.workspace_id == workspace_id,
        table.deleted_at.is_(None),
        table.user_id.is_(None),
        *equal((table.type, type), (table.is_enabled, is_enabled)),
    )
    return await fetch_page(
        session, statement, request, key=table.id, list_name="alert-destinations"
    )
