"""API keys of one's own: they speak for their person, and never do more than they may."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from tocsin.access.api_keys import Principal
from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.api.problem_answers import ApiProblem
from tocsin.model import utc_now
from tocsin.resources import api_keys
from tocsin.resources.api_keys import ApiKeyCreated, ApiKeyOut, OwnApiKeyIn
from tocsin.resources.fields import Id
from tocsin.store.queries.api_keys import page_of_api_keys

router = APIRouter(prefix="/me/api-keys", tags=["me"], route_class=JsonRoute)


def _person(caller: Principal) -> UUID:
    if caller.user_id is None:
        raise ApiProblem("forbidden", "This takes an API key of a person's own.")
    return caller.user_id


@router.get("", responses=problems("forbidden"))
async def list_my_api_keys(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[ApiKeyOut]:
    user_id = _person(caller)
    async with context.reading() as session:
        page = await page_of_api_keys(session, caller.workspace_id, query.request(), user_id)
    return shown(page, ApiKeyOut.model_validate)


@router.post("", status_code=201, responses=problems("forbidden"))
async def create_my_api_key(context: Context, caller: Viewer, body: OwnApiKeyIn) -> ApiKeyCreated:
    """Makes one, with no higher role than that of the key that asks."""
    _person(caller)
    async with context.writing() as session:
        return await api_keys.create_own(session, caller, body, utc_now())


@router.delete("/{api_key_id:uuid}", status_code=204)
async def revoke_my_api_key(context: Context, caller: Viewer, api_key_id: Id) -> Response:
    """Revokes one, also the one that asks: from this answer on it no longer works, on any node."""
    async with context.writing() as session:
        await api_keys.revoke_own(session, caller, api_key_id, utc_now())
    return Response(status_code=204)
