"""The tokens of an integration: list, create (the token is shown this once), revoke."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from tocsin.api.auth import Admin
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import integration_tokens
from tocsin.resources.fields import Id
from tocsin.resources.integration_tokens import (
    IntegrationTokenCreated,
    IntegrationTokenIn,
    IntegrationTokenOut,
)
from tocsin.resources.owned import owned
from tocsin.store.queries.integration_tokens import page_of_tokens
from tocsin.store.tables import Integration

router = APIRouter(
    prefix="/integrations/{integration_id:uuid}/tokens",
    tags=["integrations"],
    route_class=JsonRoute,
)


@router.get("")
async def list_integration_tokens(
    context: Context, caller: Admin, integration_id: Id, query: Annotated[PageQuery, Query()]
) -> Page[IntegrationTokenOut]:
    async with context.reading() as session:
        await owned(session, Integration, caller, integration_id)
        page = await page_of_tokens(session, integration_id, query.request())
    return shown(page, IntegrationTokenOut.model_validate)


@router.post("", status_code=201)
async def create_integration_token(
    context: Context, caller: Admin, integration_id: Id, body: IntegrationTokenIn
) -> IntegrationTokenCreated:
    """Makes a further secret, for one sender of several, or takes the key that a sender has already.
    It is accepted beside the integration's secret, where a secret is sent and nothing is signed."""
    async with context.configuring() as session:
        return await integration_tokens.create(session, caller, integration_id, body, utc_now())


@router.get("/{integration_token_id:uuid}")
async def get_integration_token(
    context: Context, caller: Admin, integration_id: Id, integration_token_id: Id
) -> IntegrationTokenOut:
    async with context.reading() as session:
        row = await integration_tokens.find(session, caller, integration_id, integration_token_id)
        return IntegrationTokenOut.model_validate(row)


@router.delete("/{integration_token_id:uuid}", status_code=204)
async def revoke_integration_token(
    context: Context, caller: Admin, integration_id: Id, integration_token_id: Id
) -> Response:
    """It stops working at once, on every node."""
    async with context.configuring() as session:
        await integration_tokens.revoke(
            session, caller, integration_id, integration_token_id, utc_now()
        )
    return Response(status_code=204)
