"""API keys: list, create (the key is shown this once), revoke."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.api.auth import Admin
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import api_keys
from tocsin.resources.api_keys import ApiKeyCreated, ApiKeyIn, ApiKeyOut
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.store.queries.api_keys import page_of_api_keys
from tocsin.store.tables import ApiKey

router = APIRouter(prefix="/api-keys", tags=["api-keys"], route_class=JsonRoute)


@router.get("")
async def list_api_keys(
    context: Context, caller: Admin, query: Annotated[PageQuery, Query()]
) -> Page[ApiKeyOut]:
    async with context.reading() as session:
        page = await page_of_api_keys(session, caller.workspace_id, query.request())
    return shown(page, ApiKeyOut.model_validate)


@router.post("", status_code=201, responses=problems("not-found"))
async def create_named_api_key(context: Context, caller: Admin, body: ApiKeyIn) -> ApiKeyCreated:
    """Makes a key of this workspace. An expiry in the past makes one that never works."""
    async with context.writing() as session:
        return await api_keys.create(session, caller, body, utc_now())


@router.get("/{api_key_id:uuid}")
async def get_api_key(context: Context, caller: Admin, api_key_id: Id) -> ApiKeyOut:
    async with context.reading() as session:
        return ApiKeyOut.model_validate(await owned(session, ApiKey, caller, api_key_id))


@router.delete("/{api_key_id:uuid}", status_code=204)
async def revoke_api_key(context: Context, caller: Admin, api_key_id: Id) -> Response:
    """Revokes a key: from this answer on it no longer works, on any node."""
    async with context.writing() as session:
        await api_keys.revoke(session, caller, api_key_id, utc_now())
    return Response(status_code=204)
