"""Alert rules, and who they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import AlertRule


async def page_of_rules(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest
) -> RowPage[AlertRule]:
    statement = select(AlertRule).where(
        AlertRule.workspace_id == workspace_id, AlertRule.deleted_at.is_(None)
    )
    return await fetch_page(session, statement, request, key=AlertRule.id, list_name="alert-rules")


async def rules_naming_tenant(
    session: DatabaseSession, workspace_id: UUID, tenant_id: UUID, most: int
) -> Sequence[str]:
    """The names of the rules that name the tenant."""
    return await _names(session, workspace_id, AlertRule.tenant_ids.contains([tenant_id]), most)


async def rules_naming_destination(
    session: DatabaseSession, workspace_id: UUID, destination_id: UUID, most: int
) -> Sequence[str]:
    """The names of the rules that name the destination."""
    condition = AlertRule.destination_ids.contains([destination_id])
    return await _names(session, workspace_id, condition, most)


async def rules_naming_policy(
    session: DatabaseSession, workspace_id: UUID, policy_id: UUID, most: int
) -> Sequence[str]:
    """The names of the rules that page by the escalation policy."""
    return await _names(session, workspace_id, AlertRule.escalation_policy_id == policy_id, most)


async def _names(
    session: DatabaseSession, workspace_id: UUID, condition: ColumnElement[bool], most: int
) -> Sequence[str]:
    statement = select(AlertRule.name).where(
        AlertRule.workspace_id == workspace_id, AlertRule.deleted_at.is_(None), condition
    )
    return (await session.scalars(statement.limit(most))).all()


async def rules_changed_at(session: DatabaseSession, workspace_id: UUID) -> Mapping[UUID, datetime]:
    """When each rule of the workspace was last changed."""
    found = await session.execute(
        select(AlertRule.id, AlertRule.updated_at).where(AlertRule.workspace_id == workspace_id)
    )
    return {row.id: row.updated_at for row in found}
