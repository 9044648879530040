"""API keys: list, create (the key is shown this once), revoke."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select

from tocsin.access.api_keys import create_api_key
from tocsin.api.auth import Admin
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.api.problems import not_found
from tocsin.model import Role, utc_now
from tocsin.resources import recording
from tocsin.resources.fields import Id, Input, Name, Output, Time, example
from tocsin.store.tables import ApiKey

router = APIRouter(prefix="/api-keys", tags=["api-keys"], route_class=JsonRoute)


class ApiKeyOut(Output):
    id: Id
    workspace_id: Id
    name: str
    prefix: Annotated[str, Field(description="The first characters of the key")]
    role: Role
    expires_at: Time | None
    last_used_at: Annotated[Time | None, Field(description="To the minute")]
    created_at: Time


class ApiKeyCreated(ApiKeyOut):
    key: Annotated[str, Field(description="The whole key; it is never shown again")]


class ApiKeyIn(Input):
    name: Name
    role: Role
    expires_at: Time | None = None

    model_config = example({"name": "ci", "role": "viewer", "expires_at": "2036-01-01T00:00:00Z"})


@router.get("")
async def list_api_keys(
    context: Context, caller: Admin, query: Annotated[PageQuery, Query()]
) -> Page[ApiKeyOut]:
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session,
            select(ApiKey).where(ApiKey.workspace_id == caller.workspace_id),
            key=ApiKey.id,
            query=query,
            list_name="api-keys",
        )
    return Page(items=[ApiKeyOut.model_validate(row) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=201)
async def create_named_api_key(context: Context, caller: Admin, body: ApiKeyIn) -> ApiKeyCreated:
    """Makes a key of this workspace. An expiry in the past makes one that never works."""
    async with context.writing() as session:
        row, key = await create_api_key(
            session,
            workspace_id=caller.workspace_id,
            name=body.name,
            role=body.role,
            actor=caller.actor,
            now=utc_now(),
            expires_at=body.expires_at,
        )
    return ApiKeyCreated(
        **ApiKeyOut.model_validate(row).model_dump(by_alias=False), key=key.reveal_text()
    )


@router.get("/{api_key_id:uuid}")
async def get_api_key(context: Context, caller: Admin, api_key_id: Id) -> ApiKeyOut:
    statement = select(ApiKey).where(
        ApiKey.id == api_key_id, ApiKey.workspace_id == caller.workspace_id
    )
    async with context.reading() as session:
        if (row := await session.scalar(statement)) is None:
            raise not_found("API key")
        return ApiKeyOut.model_validate(row)


@router.delete("/{api_key_id:uuid}", status_code=204)
async def revoke_api_key(context: Context, caller: Admin, api_key_id: Id) -> Response:
    """Revokes a key: from this answer on it is dead, on every node."""
    statement = select(ApiKey).where(
        ApiKey.id == api_key_id, ApiKey.workspace_id == caller.workspace_id
    )
    async with context.writing() as session:
        row = await session.scalar(statement.with_for_update())
        if row is None:
            raise not_found("API key")
        await recording.delete(session, caller, "api_key", row, ApiKeyOut, utc_now())
    return Response(status_code=204)
