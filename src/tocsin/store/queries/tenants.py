"""Tenants."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select

from tocsin.model import DEFAULT_SLUG
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, contains_text, fetch_page
from tocsin.store.tables import Tenant


async def page_of_tenants(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest, *, q: str | None = None
) -> RowPage[Tenant]:
    statement = select(Tenant).where(
        Tenant.workspace_id == workspace_id,
        Tenant.deleted_at.is_(None),
        *contains_text(q, Tenant.name, Tenant.slug),
    )
    return await fetch_page(session, statement, request, key=Tenant.id, list_name="tenants")


async def names_of_tenants(
    session: DatabaseSession, workspace_id: UUID, ids: Collection[UUID]
) -> Mapping[UUID, str]:
    """Of these, as far as they are there still."""
    rows = await session.execute(
        select(Tenant.id, Tenant.name).where(
            Tenant.workspace_id == workspace_id, Tenant.id.in_(ids), Tenant.deleted_at.is_(None)
        )
    )
    return {row.id: row.name for row in rows}


async def find_default_tenant(session: DatabaseSession, workspace_id: UUID) -> Tenant | None:
    statement = select(Tenant).where(
        Tenant.workspace_id == workspace_id,
        Tenant.slug == DEFAULT_SLUG,
        Tenant.deleted_at.is_(None),
    )
    return await session.scalar(statement)
