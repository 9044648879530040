"""Integrations: the configured senders. Their secrets are shown once, when made or rotated."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import integrations
from tocsin.resources.fields import Id
from tocsin.resources.integration_health import IntegrationHealthOut, health_of
from tocsin.resources.integration_shapes import (
    IntegrationIn,
    IntegrationOut,
    IntegrationPatch,
    IntegrationWithSecret,
    LiveSecretsOut,
    Rotation,
    SourceType,
)
from tocsin.resources.integrations import show, show_with_secret
from tocsin.resources.owned import owned
from tocsin.store.queries.integrations import page_of_integrations
from tocsin.store.tables import Integration

router = APIRouter(prefix="/integrations", tags=["integrations"], route_class=JsonRoute)


class IntegrationQuery(PageQuery):
    type: SourceType | None = None
    is_active: bool | None = None
    tenant_id: Id | None = None


class DeleteQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    purge: Annotated[
        bool, Field(description="Delete its alerts, webhook deliveries and messages, too")
    ] = False


@router.get("")
async def list_integrations(
    context: Context, caller: Viewer, query: Annotated[IntegrationQuery, Query()]
) -> Page[IntegrationOut]:
    async with context.reading() as session:
        page = await page_of_integrations(
            session,
            caller.workspace_id,
            query.request(),
            type=query.type,
            is_active=query.is_active,
            tenant_id=query.tenant_id,
        )
    return shown(page, lambda row: show(row, context.settings))


@router.post("", status_code=201, responses=problems("name-taken", "not-found"))
async def create_integration(
    context: Context, caller: Admin, body: IntegrationIn
) -> IntegrationWithSecret:
    """Makes a sender. Its source presets how it signs; any of that may be overridden. The secret
    in the answer is never shown again."""
    now = utc_now()
    row, secret = integrations.make(context.vault, caller, body, now)
    async with context.configuring() as session:
        await integrations.create(session, caller, row, body.tenant_id, now)
    return show_with_secret(row, secret, context.settings)


@router.get("/{integration_id:uuid}")
async def get_integration(context: Context, caller: Viewer, integration_id: Id) -> IntegrationOut:
    async with context.reading() as session:
        row = await owned(session, Integration, caller, integration_id)
        return show(row, context.settings)


@router.patch("/{integration_id:uuid}", responses=problems("name-taken"))
async def update_integration(
    context: Context, caller: Admin, integration_id: Id, body: IntegrationPatch
) -> IntegrationOut:
    async with context.configuring() as session:
        row = await integrations.update(
            session, context.vault, caller, integration_id, body, utc_now()
        )
        return show(row, context.settings)


@router.post("/{integration_id:uuid}/rotate-secret")
async def rotate_secret(
    context: Context, caller: Admin, integration_id: Id, body: Rotation | None = None
) -> IntegrationWithSecret:
    """Gives it a new secret, which is never shown again; the one before is accepted for
    `overlap_minutes` more, so that the sender can be changed without losing a webhook."""
    rotation = body or Rotation()
    async with context.configuring() as session:
        row, secret = await integrations.rotate_secret(
            session, context.vault, caller, integration_id, rotation, utc_now()
        )
    return show_with_secret(row, secret, context.settings)


@router.get("/{integration_id:uuid}/secrets")
async def get_live_secrets(context: Context, caller: Viewer, integration_id: Id) -> LiveSecretsOut:
    """Whether the secret before the last rotation is still used, so that one knows when every sender
    has the new one."""
    async with context.reading() as session:
        return await integrations.live_secrets(session, caller, integration_id, utc_now())


@router.get("/{integration_id:uuid}/health")
async def get_integration_health(
    context: Context, caller: Viewer, integration_id: Id
) -> IntegrationHealthOut:
    """What was refused of the newest webhooks, and what they say of their sender: that its clock is
    behind, say."""
    async with context.reading() as session:
        return await health_of(session, caller, integration_id, utc_now())


@router.delete("/{integration_id:uuid}", status_code=204, responses=problems("in-use"))
async def delete_integration(
    context: Context, caller: Admin, integration_id: Id, query: Annotated[DeleteQuery, Query()]
) -> Response:
    """From here on its webhooks are 404, and its secret is erased. What came through it stays on
    record; `purge=true` deletes that, too."""
    if not query.purge:
        async with context.configuring() as session:
            await integrations.delete(session, caller, integration_id, utc_now())
        return Response(status_code=204)
    # Switched off first, so that no webhook waits for the deletion of what may be millions of
    # rows; the configuration is locked only for the moment at the end.
    async with context.configuring() as session:
        await integrations.switch_off(session, caller, integration_id, utc_now())
    async with context.writing() as session:
        await integrations.purge(session, caller, integration_id, utc_now())
    return Response(status_code=204)
