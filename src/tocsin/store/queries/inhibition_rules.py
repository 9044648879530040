"""Inhibition rules, and where alerts stand by them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import StoredInhibitionRule


async def page_of_inhibition_rules(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest
) -> RowPage[StoredInhibitionRule]:
    table = StoredInhibitionRule
    statement = select(table).where(table.workspace_id == workspace_id)
    return await fetch_page(session, statement, request, key=table.id, list_name="inhibition-rules")


async def enabled_rules(
    session: DatabaseSession, workspace_id: UUID, apart_from: UUID | None = None
) -> Sequence[StoredInhibitionRule]:
    """All that are in force in a workspace."""
    table = StoredInhibitionRule
    statement = select(table).where(table.workspace_id == workspace_id, table.is_enabled)
    if apart_from is not None:
        statement = statement.where(table.id != apart_from)
    return (await session.scalars(statement)).all()
