"""Schedules: who is on call, when and why, and what a change of them would do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.auth import Admin, Responder, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.oncall.spans import Span
from tocsin.resources import schedule_previews, schedules, shifts
from tocsin.resources.fields import Id, Time
from tocsin.resources.owned import owned
from tocsin.resources.schedule_previews import PreviewIn, SchedulePreviewOut
from tocsin.resources.schedule_shapes import (
    OnCallOut,
    ScheduleIn,
    ScheduleOut,
    SchedulePatch,
    ShiftsOut,
)
from tocsin.resources.schedules import show
from tocsin.resources.shifts import names_in, shown_shift, until_their_ends
from tocsin.store.queries.schedules import page_of_schedules
from tocsin.store.tables import StoredSchedule

router = APIRouter(prefix="/schedules", tags=["schedules"], route_class=JsonRoute)

_SHOWN_DAYS = timedelta(days=14)


class ScheduleQuery(PageQuery):
    user_id: Annotated[Id | None, Field(description="Those in which this user has turns")] = None


class ShiftsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    since: Annotated[Time | None, Field(alias="from", description="Left out: now")] = None
    until: Annotated[
        Time | None, Field(alias="to", description="Left out: 14 days later; at most 400")
    ] = None

    def span(self, now: datetime) -> Span:
        begin = self.since or now
        return Span(begin, self.until or begin + _SHOWN_DAYS)


class AtQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    at: Annotated[Time | None, Field(description="Left out: now")] = None


@router.get("")
async def list_schedules(
    context: Context, caller: Viewer, query: Annotated[ScheduleQuery, Query()]
) -> Page[ScheduleOut]:
    async with context.reading() as session:
        page = await page_of_schedules(
            session, caller.workspace_id, query.request(), user_id=query.user_id
        )
    return shown(page, show)


@router.post("", status_code=201, responses=problems("name-taken", "not-found"))
async def create_schedule(context: Context, caller: Admin, body: ScheduleIn) -> ScheduleOut:
    """It holds from now on. Where several layers have somebody, the last of them wins."""
    now = utc_now()
    row = schedules.make(caller, body, now)
    async with context.configuring() as session:
        await schedules.create(session, caller, row, now)
    return show(row)


@router.post("/preview", responses=problems("not-found"))
async def preview_new_schedule(
    context: Context, caller: Viewer, body: ScheduleIn
) -> SchedulePreviewOut:
    """Who would be on call in the next 60 days, and where nobody would. Nothing is made."""
    async with context.reading() as session:
        return await schedule_previews.preview_new(session, caller, body, utc_now())


@router.get("/{schedule_id:uuid}")
async def get_schedule(context: Context, caller: Viewer, schedule_id: Id) -> ScheduleOut:
    async with context.reading() as session:
        return show(await owned(session, StoredSchedule, caller, schedule_id))


@router.patch("/{schedule_id:uuid}", responses=problems("name-taken"))
async def update_schedule(
    context: Context, caller: Admin, schedule_id: Id, body: SchedulePatch
) -> ScheduleOut:
    """What differs begins a new version; the past stays as it was. Whoever is on call stays until the
    next hand-over, unless asked otherwise."""
    async with context.configuring() as session:
        return show(await schedules.update(session, caller, schedule_id, body, utc_now()))


@router.delete("/{schedule_id:uuid}", status_code=204, responses=problems("in-use"))
async def delete_schedule(context: Context, caller: Admin, schedule_id: Id) -> Response:
    """Refused while an escalation policy names it."""
    async with context.configuring() as session:
        await schedules.delete(session, caller, schedule_id, utc_now())
    return Response(status_code=204)


@router.post("/{schedule_id:uuid}/preview")
async def preview_schedule(
    context: Context, caller: Responder, schedule_id: Id, body: PreviewIn
) -> SchedulePreviewOut:
    """Who would gain and who would lose which hours in the next 60 days, which gaps would come and go,
    also in words. Nothing is written."""
    async with context.reading() as session:
        return await schedule_previews.preview(session, caller, schedule_id, body, utc_now())


@router.get("/{schedule_id:uuid}/shifts")
async def list_shifts(
    context: Context, caller: Viewer, schedule_id: Id, query: Annotated[ShiftsQuery, Query()]
) -> ShiftsOut:
    """Who is, was or will be on call, and why."""
    async with context.reading() as session:
        return await shifts.shifts_of(session, caller, schedule_id, query.span(utc_now()))


@router.get("/{schedule_id:uuid}/on-call")
async def who_is_on_call(
    context: Context, caller: Viewer, schedule_id: Id, query: Annotated[AtQuery, Query()]
) -> OnCallOut:
    """Whoever is on call at a time, each from then until the shift ends."""
    at = query.at or utc_now()
    async with context.reading() as session:
        schedule = await schedules.load(session, caller, schedule_id, at, at + shifts.FARTHEST_LOOK)
        found = until_their_ends(schedule, at)
        names = await names_in(session, found)
    return OnCallOut(at=at, items=[shown_shift(each, schedule, names) for each in found])
