"""Overrides: what is changed by hand in a schedule, for a time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from tocsin.api.auth import Responder, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import schedule_overrides
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.resources.schedule_overrides import OverrideIn, OverrideOut, show
from tocsin.store.queries.schedules import page_of_overrides
from tocsin.store.tables import StoredOverride, StoredSchedule

router = APIRouter(tags=["schedules"], route_class=JsonRoute)


class OverrideQuery(PageQuery):
    is_over: Annotated[bool | None, Field(description="Whether it has ended")] = None


@router.get("/schedules/{schedule_id:uuid}/overrides")
async def list_overrides(
    context: Context, caller: Viewer, schedule_id: Id, query: Annotated[OverrideQuery, Query()]
) -> Page[OverrideOut]:
    async with context.reading() as session:
        await owned(session, StoredSchedule, caller, schedule_id)
        page = await page_of_overrides(
            session, schedule_id, query.request(), is_over=query.is_over, now=utc_now()
        )
    return shown(page, show)


@router.post(
    "/schedules/{schedule_id:uuid}/overrides", status_code=201, responses=problems("not-found")
)
async def create_override(
    context: Context, caller: Responder, schedule_id: Id, body: OverrideIn
) -> OverrideOut:
    """On the whole schedule, on a layer, or for one shift (`shift_at`). A later override builds on what
    the earlier ones left."""
    now = utc_now()
    async with context.configuring() as session:
        row = await schedule_overrides.make(session, caller, schedule_id, body, now)
        await schedule_overrides.create(session, caller, row, now)
    return show(row)


@router.get("/schedule-overrides/{schedule_override_id:uuid}")
async def get_override(context: Context, caller: Viewer, schedule_override_id: Id) -> OverrideOut:
    async with context.reading() as session:
        return show(await owned(session, StoredOverride, caller, schedule_override_id))


@router.delete("/schedule-overrides/{schedule_override_id:uuid}", status_code=204)
async def end_override(context: Context, caller: Responder, schedule_override_id: Id) -> Response:
    """One that lasts ends now, one that has not begun is deleted, one that is over stays."""
    async with context.configuring() as session:
        await schedule_overrides.end(session, caller, schedule_override_id, utc_now())
    return Response(status_code=204)
