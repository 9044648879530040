"""The audit log: who did what to which object."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tocsin.api.auth import Admin
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.resources.fields import Id, JsonObject, Output, Text, Time
from tocsin.store.queries.audit_events import page_of_audit_events

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
    async with context.reading() as session:
        page = await page_of_audit_events(
            session,
            caller.workspace_id,
            query.request(),
            object_type=query.object_type,
            object_id=query.object_id,
            action=query.action,
            since=query.since,
            until=query.until,
        )
    return shown(page, AuditEventOut.model_validate)
