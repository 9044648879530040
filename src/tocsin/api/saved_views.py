"""Saved views: filters of the list of alerts with a name, one's own and everybody's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import saved_views
from tocsin.resources.fields import Id
from tocsin.resources.saved_views import (
    SavedViewDetailOut,
    SavedViewIn,
    SavedViewOut,
    SavedViewPatch,
    show,
)
from tocsin.store.queries.saved_views import page_of_views

router = APIRouter(prefix="/saved-views", tags=["saved views"], route_class=JsonRoute)


@router.get("")
async def list_saved_views(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[SavedViewOut]:
    """Everybody's in the workspace, and those of the person whose key it is."""
    async with context.reading() as session:
        page = await page_of_views(session, caller.workspace_id, caller.user_id, query.request())
    return shown(page, show)


@router.post("", status_code=201)
async def create_saved_view(context: Context, caller: Viewer, body: SavedViewIn) -> SavedViewOut:
    async with context.configuring() as session:
        return show(await saved_views.create(session, caller, body, utc_now()))


@router.get("/{saved_view_id:uuid}")
async def get_saved_view(context: Context, caller: Viewer, saved_view_id: Id) -> SavedViewDetailOut:
    """With how many alerts are in it now."""
    async with context.reading() as session:
        row = await saved_views.visible(session, caller, saved_view_id)
        return await saved_views.detail(session, row, utc_now())


@router.patch("/{saved_view_id:uuid}")
async def update_saved_view(
    context: Context, caller: Viewer, saved_view_id: Id, body: SavedViewPatch
) -> SavedViewOut:
    async with context.configuring() as session:
        row = await saved_views.update(session, caller, saved_view_id, body, utc_now())
        return show(row)


@router.delete("/{saved_view_id:uuid}", status_code=204)
async def delete_saved_view(context: Context, caller: Viewer, saved_view_id: Id) -> Response:
    async with context.configuring() as session:
        await saved_views.delete(session, caller, saved_view_id, utc_now())
    return Response(status_code=204)
