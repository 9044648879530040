"""Integrations: the configured senders."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, equal, fetch_page
from tocsin.store.tables import Integration


async def page_of_integrations(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    type: str | None,
    is_active: bool | None,
    tenant_id: UUID | None,
) -> RowPage[Integration]:
    table = Integration
    statement = select(table).where(
        table.workspace_id == workspace_id,
        table.deleted_at.is_(None),
        *equal((table.type, type), (table.is_active, is_active), (table.tenant_id, tenant_id)),
    )
    return await fetch_page(session, statement, request, key=table.id, list_name="integrations")


async def integrations_of_tenant(
    session: DatabaseSession, tenant_id: UUID, most: int
) -> Sequence[str]:
    """Their names."""
    statement = select(Integration.name).where(
        Integration.tenant_id == tenant_id, Integration.deleted_at.is_(None)
    )
    return (await session.scalars(statement.limit(most))).all()


async def integration_type(session: DatabaseSession, integration_id: UUID) -> str | None:
    """The tool that it is for; None if the integration is gone."""
    return await session.scalar(select(Integration.type).where(Integration.id == integration_id))
