"""Maintenance windows: what is held while something is worked on, once or again and again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from tocsin.api.auth import Responder, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import WindowState, utc_now
from tocsin.resources import maintenance_windows
from tocsin.resources.fields import Id
from tocsin.resources.maintenance_windows import (
    MaintenanceWindowIn,
    MaintenanceWindowOut,
    MaintenanceWindowPatch,
    show,
    state_of,
)
from tocsin.resources.owned import owned
from tocsin.store.queries.maintenance_windows import page_of_windows
from tocsin.store.tables import StoredWindow

router = APIRouter(
    prefix="/maintenance-windows", tags=["maintenance-windows"], route_class=JsonRoute
)


class WindowQuery(PageQuery):
    state: Annotated[list[WindowState], Field(default_factory=list, description="Any of these")]
    is_over: Annotated[bool | None, Field(description="Whether the last occurrence has ended")] = (
        None
    )


@router.get("")
async def list_maintenance_windows(
    context: Context, caller: Viewer, query: Annotated[WindowQuery, Query()]
) -> Page[MaintenanceWindowOut]:
    now = utc_now()
    async with context.reading() as session:
        page = await page_of_windows(
            session,
            caller.workspace_id,
            query.request(),
            over=query.is_over,
            now=now,
            keep=(lambda row: state_of(row, now) in query.state) if query.state else None,
        )
    return shown(page, lambda row: show(row, now))


@router.post("", status_code=201, responses=problems("not-found"))
async def create_maintenance_window(
    context: Context, caller: Responder, body: MaintenanceWindowIn
) -> MaintenanceWindowOut:
    """What matches is held while an occurrence lasts (`deferred`, reason `maintenance`); what is still
    open then is sent. A start in a gap of the clock is moved to its end; one that occurs twice is the
    first."""
    now = utc_now()
    row = maintenance_windows.make(caller, body, now)
    async with context.configuring() as session:
        await maintenance_windows.create(session, caller, row, now)
    return show(row, now)


@router.get("/{maintenance_window_id:uuid}")
async def get_maintenance_window(
    context: Context, caller: Viewer, maintenance_window_id: Id
) -> MaintenanceWindowOut:
    async with context.reading() as session:
        row = await owned(session, StoredWindow, caller, maintenance_window_id)
    return show(row, utc_now())


@router.patch("/{maintenance_window_id:uuid}")
async def update_maintenance_window(
    context: Context, caller: Responder, maintenance_window_id: Id, body: MaintenanceWindowPatch
) -> MaintenanceWindowOut:
    """In force at once, also for what is held already."""
    now = utc_now()
    async with context.configuring() as session:
        row = await maintenance_windows.update(session, caller, maintenance_window_id, body, now)
        return show(row, now)


@router.post("/{maintenance_window_id:uuid}/end")
async def end_maintenance_window(
    context: Context, caller: Responder, maintenance_window_id: Id
) -> MaintenanceWindowOut:
    """Ends the occurrence that lasts now, as if its time had come. Where none does, nothing changes."""
    now = utc_now()
    async with context.configuring() as session:
        return show(await maintenance_windows.end(session, caller, maintenance_window_id, now), now)


@router.delete("/{maintenance_window_id:uuid}", status_code=204)
async def delete_maintenance_window(
    context: Context, caller: Responder, maintenance_window_id: Id
) -> Response:
    """Ends the occurrence that lasts now, and there will be no other."""
    async with context.configuring() as session:
        await maintenance_windows.delete(session, caller, maintenance_window_id, utc_now())
    return Response(status_code=204)
