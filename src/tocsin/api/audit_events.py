"""The audit log: who did what to which object."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select

from tocsin.api.auth import Admin
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.resources.fields import Id, JsonObject, Output, Text, Time
from tocsin.store.tables import AuditEvent

router = APIRouter(prefix="/audit-events", tags=["audit-events"], route_class=JsonRoute)


class AuditEventOut(Output):
    id: Id
    workspace_id: Id
    at: Time
    actor: dict[str, str]
    action: str
    object_type: str
    object_id: Id | None
    before: JsonObject | None
    after: JsonObject | None


class AuditEventQuery(PageQuery):
    object_type: Text | None = None
    object_id: Id | None = None
    action: Text | None = None
    since: Time | None = None
    until: Time | None = None


@router.get("")
async def list_audit_events(
    context: Context, caller: Admin, query: Annotated[AuditEventQuery, Query()]
) -> Page[AuditEventOut]:
    statement = select(AuditEvent).where(AuditEvent.workspace_id == caller.workspace_id)
    if query.object_type is not None:
        statement = statement.where(AuditEvent.object_type == query.object_type)
    if query.object_id is not None:
        statement = statement.where(AuditEvent.object_id == query.object_id)
    if query.action is not None:
        statement = statement.where(AuditEvent.action == query.action)
    if query.since is not None:
        statement = statement.where(AuditEvent.at >= query.since)
    if query.until is not None:
        statement = statement.where(AuditEvent.at < query.until)
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session, statement, key=AuditEvent.id, query=query, list_name="audit-events"
        )
    return Page(items=[AuditEventOut.model_validate(row) for row in rows], next_cursor=next_cursor)
