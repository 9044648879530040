"""Swaps of shifts: asked for, taken, canceled."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tocsin.api.auth import Responder, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import shift_swaps
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.resources.shift_swaps import StoredState, SwapIn, SwapOut, SwapTaken, show
from tocsin.store.queries.schedules import page_of_swaps
from tocsin.store.tables import ShiftSwap

router = APIRouter(prefix="/shift-swaps", tags=["schedules"], route_class=JsonRoute)


class SwapQuery(PageQuery):
    schedule_id: Id | None = None
    user_id: Id | None = None
    state: StoredState | None = None


@router.get("")
async def list_swaps(
    context: Context, caller: Viewer, query: Annotated[SwapQuery, Query()]
) -> Page[SwapOut]:
    now = utc_now()
    async with context.reading() as session:
        page = await page_of_swaps(
            session,
            caller.workspace_id,
            query.request(),
            schedule_id=query.schedule_id,
            user_id=query.user_id,
            state=query.state,
        )
    return shown(page, lambda row: show(row, now))


@router.post("", status_code=201, responses=problems("not-found"))
async def create_swap(context: Context, caller: Responder, body: SwapIn) -> SwapOut:
    """Asks for somebody to take this time. Until somebody does, nothing changes."""
    now = utc_now()
    async with context.configuring() as session:
        return show(await shift_swaps.create(session, caller, body, now), now)


@router.get("/{shift_swap_id:uuid}")
async def get_swap(context: Context, caller: Viewer, shift_swap_id: Id) -> SwapOut:
    async with context.reading() as session:
        return show(await owned(session, ShiftSwap, caller, shift_swap_id), utc_now())


@router.post("/{shift_swap_id:uuid}/take")
async def take_swap(
    context: Context, caller: Responder, shift_swap_id: Id, body: SwapTaken
) -> SwapOut:
    """Carries it out: from its start on whoever takes it is on call instead."""
    now = utc_now()
    async with context.configuring() as session:
        return show(await shift_swaps.take(session, caller, shift_swap_id, body, now), now)


@router.post("/{shift_swap_id:uuid}/cancel")
async def cancel_swap(context: Context, caller: Responder, shift_swap_id: Id) -> SwapOut:
    """Of one that was taken, what is not over is undone."""
    now = utc_now()
    async with context.configuring() as session:
        return show(await shift_swaps.cancel(session, caller, shift_swap_id, now), now)
