"""Calendar feeds: made, listed, revoked. What is at their addresses is in `web/`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.api.auth import Responder, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import calendar_feeds, recording
from tocsin.resources.calendar_feeds import (
    KIND,
    CalendarFeedIn,
    CalendarFeedOut,
    CalendarFeedWithUrl,
    show,
)
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.store.queries.schedules import page_of_feeds
from tocsin.store.tables import CalendarFeed

router = APIRouter(prefix="/calendar-feeds", tags=["schedules"], route_class=JsonRoute)


@router.get("")
async def list_calendar_feeds(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[CalendarFeedOut]:
    async with context.reading() as session:
        page = await page_of_feeds(session, caller.workspace_id, query.request())
    return shown(page, show)


@router.post("", status_code=201, responses=problems("not-found"))
async def create_calendar_feed(
    context: Context, caller: Responder, body: CalendarFeedIn
) -> CalendarFeedWithUrl:
    """Calendars subscribe to the address in the answer. It is never shown again."""
    async with context.writing() as session:
        row, token = await calendar_feeds.create(session, caller, body, utc_now())
    url = calendar_feeds.address(token, context.settings.base_url)
    return CalendarFeedWithUrl(**show(row).model_dump(), url=url)


@router.get("/{calendar_feed_id:uuid}")
async def get_calendar_feed(
    context: Context, caller: Viewer, calendar_feed_id: Id
) -> CalendarFeedOut:
    async with context.reading() as session:
        return show(await owned(session, CalendarFeed, caller, calendar_feed_id))


@router.delete("/{calendar_feed_id:uuid}", status_code=204)
async def delete_calendar_feed(
    context: Context, caller: Responder, calendar_feed_id: Id
) -> Response:
    """Its address stops working at once."""
    async with context.writing() as session:
        row = await owned(session, CalendarFeed, caller, calendar_feed_id)
        await recording.delete(session, caller, KIND, row, utc_now())
    return Response(status_code=204)
