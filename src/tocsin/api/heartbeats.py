"""Heartbeats: who is expected to ping. Their tokens are shown once, when made or rotated."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from tocsin.access.api_keys import Principal
from tocsin.api.auth import Admin, Responder, Viewer
from tocsin.api.context import ApiContext, Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.heartbeats.rows import PINGS_KEPT
from tocsin.model import utc_now
from tocsin.resources import heartbeats
from tocsin.resources.fields import Id, Slug
from tocsin.resources.heartbeat_shapes import (
    HeartbeatChangeOut,
    HeartbeatIn,
    HeartbeatOut,
    HeartbeatPatch,
    HeartbeatPingOut,
    HeartbeatWithToken,
    Pause,
    TokenRotation,
)
from tocsin.resources.heartbeats import show, show_all, show_with_token
from tocsin.resources.owned import owned
from tocsin.store.queries.heartbeats import (
    ShownHeartbeatState,
    newest_pings,
    page_of_changes,
    page_of_heartbeats,
)
from tocsin.store.tables import Heartbeat

router = APIRouter(prefix="/heartbeats", tags=["heartbeats"], route_class=JsonRoute)


class HeartbeatQuery(PageQuery):
    state: ShownHeartbeatState | None = None
    tenant_id: Id | None = None
    integration_id: Id | None = None
    slug: Slug | None = None


class NewestQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    limit: Annotated[int, Field(ge=1, le=PINGS_KEPT, description="How many at most")] = PINGS_KEPT


@router.get("")
async def list_heartbeats(
    context: Context, caller: Viewer, query: Annotated[HeartbeatQuery, Query()]
) -> Page[HeartbeatOut]:
    now = utc_now()
    async with context.reading() as session:
        page = await page_of_heartbeats(
            session,
            caller.workspace_id,
            query.request(),
            state=query.state,
            tenant_id=query.tenant_id,
            integration_id=query.integration_id,
            slug=query.slug,
            now=now,
        )
        items = await show_all(session, page.rows, now, context.settings.base_url)
    return Page(items=items, next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=problems("name-taken", "not-found"))
async def create_heartbeat(
    context: Context, caller: Admin, body: HeartbeatIn
) -> HeartbeatWithToken:
    """Makes a heartbeat. Nothing is expected before its first ping. The token in the answer is
    never shown again."""
    now = utc_now()
    row, token = heartbeats.make(caller, body, now)
    if "integration_id" in body.model_fields_set:
        integration_id = body.integration_id
    else:
        integration_id = await _own_integration(context, caller)
    async with context.writing() as session:
        status = await heartbeats.create(session, caller, row, integration_id, body.tenant_id, now)
    return show_with_token(row, status, now, context.settings.base_url, token)


async def _own_integration(context: ApiContext, caller: Principal) -> Id:
    async with context.configuring() as session:
        return await heartbeats.own_integration(session, context.vault, caller, utc_now())


@router.get("/{heartbeat_id:uuid}")
async def get_heartbeat(context: Context, caller: Viewer, heartbeat_id: Id) -> HeartbeatOut:
    async with context.reading() as session:
        row = await owned(session, Heartbeat, caller, heartbeat_id)
        (item,) = await show_all(session, [row], utc_now(), context.settings.base_url)
    return item


@router.patch("/{heartbeat_id:uuid}", responses=problems("name-taken"))
async def update_heartbeat(
    context: Context, caller: Admin, heartbeat_id: Id, body: HeartbeatPatch
) -> HeartbeatOut:
    """What a new schedule would make overdue has one grace more; what it makes no longer missed is
    up again, and its alert is resolved."""
    now = utc_now()
    async with context.configuring() as session:
        row, status = await heartbeats.update(session, caller, heartbeat_id, body, now)
    return show(row, status, now, context.settings.base_url)


@router.post("/{heartbeat_id:uuid}/pause")
async def pause_heartbeat(
    context: Context, caller: Responder, heartbeat_id: Id, body: Pause | None = None
) -> HeartbeatOut:
    """Nothing is expected until somebody resumes it or, unless it has `manual_resume`, it pings. An
    alert that is open for it is resolved."""
    now = utc_now()
    until = None if body is None else body.until
    async with context.writing() as session:
        row, status = await heartbeats.pause_heartbeat(session, caller, heartbeat_id, until, now)
    return show(row, status, now, context.settings.base_url)


@router.post("/{heartbeat_id:uuid}/resume")
async def resume_heartbeat(context: Context, caller: Responder, heartbeat_id: Id) -> HeartbeatOut:
    """It waits for a first ping again; nothing from before the pause counts."""
    now = utc_now()
    async with context.writing() as session:
        row, status = await heartbeats.resume_heartbeat(session, caller, heartbeat_id, now)
    return show(row, status, now, context.settings.base_url)


@router.post("/{heartbeat_id:uuid}/rotate-token", responses=problems("name-taken"))
async def rotate_token(
    context: Context, caller: Admin, heartbeat_id: Id, body: TokenRotation | None = None
) -> HeartbeatWithToken:
    """Gives it a new token, which is never shown again; the previous one stops working."""
    now = utc_now()
    given = None if body is None else body.ping_token
    async with context.writing() as session:
        row, status, token = await heartbeats.rotate_token(
            session, caller, heartbeat_id, given, now
        )
    return show_with_token(row, status, now, context.settings.base_url, token)


@router.delete("/{heartbeat_id:uuid}", status_code=204)
async def delete_heartbeat(context: Context, caller: Admin, heartbeat_id: Id) -> Response:
    """From here on its pings are 404. An alert that is open for it is resolved."""
    async with context.configuring() as session:
        await heartbeats.delete(session, caller, heartbeat_id, utc_now())
    return Response(status_code=204)


@router.get("/{heartbeat_id:uuid}/pings")
async def list_heartbeat_pings(
    context: Context, caller: Viewer, heartbeat_id: Id, query: Annotated[NewestQuery, Query()]
) -> Page[HeartbeatPingOut]:
    """The newest, as many as are kept."""
    async with context.reading() as session:
        await owned(session, Heartbeat, caller, heartbeat_id)
        rows = await newest_pings(session, heartbeat_id, query.limit)
    return Page(items=[HeartbeatPingOut.model_validate(row) for row in rows], next_cursor=None)


@router.get("/{heartbeat_id:uuid}/changes")
async def list_heartbeat_changes(
    context: Context, caller: Viewer, heartbeat_id: Id, query: Annotated[PageQuery, Query()]
) -> Page[HeartbeatChangeOut]:
    """When it was up and down, newest first."""
    async with context.reading() as session:
        await owned(session, Heartbeat, caller, heartbeat_id)
        page = await page_of_changes(session, heartbeat_id, query.request())
    return shown(page, HeartbeatChangeOut.model_validate)
