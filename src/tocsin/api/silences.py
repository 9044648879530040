"""Silences: what nobody is notified of, for how long, and who asked for it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.api.auth import Responder, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import silences
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.resources.silences import SilenceIn, SilenceOut, SilencePatch, show
from tocsin.store.queries.silences import SilenceState, page_of_silences
from tocsin.store.tables import StoredSilence

router = APIRouter(prefix="/silences", tags=["silences"], route_class=JsonRoute)


class SilenceQuery(PageQuery):
    state: SilenceState | None = None


@router.get("")
async def list_silences(
    context: Context, caller: Viewer, query: Annotated[SilenceQuery, Query()]
) -> Page[SilenceOut]:
    now = utc_now()
    async with context.reading() as session:
        page = await page_of_silences(
            session, caller.workspace_id, query.request(), state=query.state, now=now
        )
    return shown(page, lambda row: show(row, now))


@router.post("", status_code=201)
async def create_silence(context: Context, caller: Responder, body: SilenceIn) -> SilenceOut:
    """What matches is held until its end (`deferred`, reason `silence`); what is still open then is
    sent. At least one matcher must ask for something, or everything would be held."""
    now = utc_now()
    row = silences.make(caller, body, now)
    async with context.configuring() as session:
        await silences.create(session, caller, row, now)
    return show(row, now)


@router.get("/{silence_id:uuid}")
async def get_silence(context: Context, caller: Viewer, silence_id: Id) -> SilenceOut:
    async with context.reading() as session:
        return show(await owned(session, StoredSilence, caller, silence_id), utc_now())


@router.patch("/{silence_id:uuid}")
async def update_silence(
    context: Context, caller: Responder, silence_id: Id, body: SilencePatch
) -> SilenceOut:
    now = utc_now()
    async with context.configuring() as session:
        return show(await silences.update(session, caller, silence_id, body, now), now)


@router.delete("/{silence_id:uuid}", status_code=204)
async def expire_silence(context: Context, caller: Responder, silence_id: Id) -> Response:
    """Ends it now; it stays on record. One that is over stays as it is."""
    async with context.configuring() as session:
        await silences.expire(session, caller, silence_id, utc_now())
    return Response(status_code=204)
