"""Integrations: the configured senders. Their secrets are shown once, when made or rotated."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.api.problems import ApiProblem, invalid, missing_reference
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Secret, Severity, utc_now, uuid7
from tocsin.resources import recording
from tocsin.resources.fields import Id
from tocsin.resources.integrations import (
    IntegrationIn,
    IntegrationOut,
    IntegrationPatch,
    IntegrationWithSecret,
    Rotation,
    SourceType,
    faults_of,
    preset_columns,
    show,
    show_with_secret,
)
from tocsin.resources.owned import find_owned, name_taken, owned
from tocsin.store import audit, history
from tocsin.store.tables import Integration, Tenant
from tocsin.store.workspaces import DEFAULT

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


def _new_secret(given: str | None, source_type: str) -> Secret:
    return Secret(given or SOURCES[source_type].preset.make_secret())


@router.get("")
async def list_integrations(
    context: Context, caller: Viewer, query: Annotated[IntegrationQuery, Query()]
) -> Page[IntegrationOut]:
    statement = select(Integration).where(Integration.workspace_id == caller.workspace_id)
    if query.type is not None:
        statement = statement.where(Integration.type == query.type.value)
    if query.is_active is not None:
        statement = statement.where(Integration.is_active == query.is_active)
    if query.tenant_id is not None:
        statement = statement.where(Integration.tenant_id == query.tenant_id)
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session, statement, key=Integration.id, query=query, list_name="integrations"
        )
    return Page(items=[show(row) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=201, responses=problems("name-taken", "not-found"))
async def create_integration(
    context: Context, caller: Admin, body: IntegrationIn
) -> IntegrationWithSecret:
    """Makes a sender. Its source presets how it signs; any of that may be overridden. The secret
    in the answer is never shown again."""
    now = utc_now()
    secret = _new_secret(body.webhook_secret, body.type)
    row = Integration(
        **{
            "id": uuid7(),
            "workspace_id": caller.workspace_id,
            "is_active": True,
            "deduplication_window_minutes": 15,
            "default_severity": Severity.HIGH,
            "timezone": "UTC",
            "mapping": None,
            **preset_columns(body.type),
            **body.columns(),
            "type": body.type.value,
            "webhook_secret": context.vault.seal(secret),
            "previous_webhook_secret": None,
            "previous_secret_expires_at": None,
            "created_at": now,
            "updated_at": now,
        }
    )
    if faults := faults_of(row, secret):
        raise invalid(faults)
    try:
        async with context.configuring() as session:
            row.tenant_id = await _tenant_for(session, caller.workspace_id, body.tenant_id)
            session.add(row)
            await session.flush()
            recording.record(
                session,
                caller,
                "created",
                "integration",
                row.id,
                now,
                after=show(row).document(),
            )
    except IntegrityError as error:
        raise name_taken(error, Integration, body.name) from None
    return show_with_secret(row, secret)


async def _tenant_for(session: AsyncSession, workspace_id: UUID, tenant_id: UUID | None) -> UUID:
    if tenant_id is None:
        tenant = await session.scalar(
            select(Tenant).where(Tenant.workspace_id == workspace_id, Tenant.slug == DEFAULT)
        )
    else:
        tenant = await find_owned(session, Tenant, workspace_id, tenant_id)
    if tenant is None:
        raise missing_reference("tenant", "/tenant_id")
    return tenant.id


@router.get("/{integration_id:uuid}")
async def get_integration(context: Context, caller: Viewer, integration_id: Id) -> IntegrationOut:
    async with context.reading() as session:
        return show(await owned(session, Integration, caller, integration_id))


@router.patch("/{integration_id:uuid}", responses=problems("name-taken"))
async def update_integration(
    context: Context, caller: Admin, integration_id: Id, body: IntegrationPatch
) -> IntegrationOut:
    now = utc_now()
    try:
        async with context.configuring() as session:
            row = await owned(session, Integration, caller, integration_id)
            before = show(row).document()
            if "tenant_id" in body.model_fields_set:
                await _tenant_for(session, caller.workspace_id, body.tenant_id)
            for name, value in body.columns().items():
                setattr(row, name, value)
            with session.no_autoflush:
                if faults := faults_of(row, context.vault.open(row.webhook_secret)):
                    raise invalid(faults)
            was, became = audit.changed(before, show(row).document())
            if became:
                row.updated_at = now
                await session.flush()
                recording.record(
                    session, caller, "updated", "integration", row.id, now, before=was, after=became
                )
            return show(row)
    except IntegrityError as error:
        raise name_taken(error, Integration, body.name) from None


@router.post("/{integration_id:uuid}/rotate-secret")
async def rotate_secret(
    context: Context, caller: Admin, integration_id: Id, body: Rotation | None = None
) -> IntegrationWithSecret:
    """Gives it a new secret, which is never shown again; the one before is accepted for
    `overlap_minutes` more, so that the sender can be changed without losing a webhook."""
    now = utc_now()
    rotation = body or Rotation()
    async with context.configuring() as session:
        row = await owned(session, Integration, caller, integration_id)
        before = show(row).document()
        secret = _new_secret(rotation.webhook_secret, row.type)
        if faults := faults_of(row, secret):
            raise invalid(faults)
        if rotation.overlap_minutes:
            row.previous_webhook_secret = row.webhook_secret
            row.previous_secret_expires_at = now + timedelta(minutes=rotation.overlap_minutes)
        else:
            row.previous_webhook_secret = row.previous_secret_expires_at = None
        row.webhook_secret = context.vault.seal(secret)
        row.updated_at = now
        await session.flush()
        was, became = audit.changed(before, show(row).document())
        recording.record(
            session, caller, "rotated-secret", "integration", row.id, now, before=was, after=became
        )
    return show_with_secret(row, secret)


@router.delete("/{integration_id:uuid}", status_code=204, responses=problems("in-use"))
async def delete_integration(
    context: Context, caller: Admin, integration_id: Id, query: Annotated[DeleteQuery, Query()]
) -> Response:
    """Deletes an integration without history. One that has any is better switched off
    (`is_active` false); `purge=true` deletes it and all that came through it."""
    if query.purge:
        await _purge(context, caller, integration_id)
    else:
        async with context.configuring() as session:
            row = await owned(session, Integration, caller, integration_id)
            if await history.exists(session, integration_id):
                raise ApiProblem(
                    "in-use",
                    "There are webhook deliveries or alerts of this integration. Switch it off "
                    "with is_active false, or delete it with all its history: ?purge=true.",
                )
            await _delete(session, caller, row)
    return Response(status_code=204)


async def _purge(context: Context, caller: Admin, integration_id: UUID) -> None:
    # Switched off first, so that no webhook waits for the deletion of what may be millions of
    # rows; the configuration is locked only for the moment at the end.
    async with context.configuring() as session:
        row = await owned(session, Integration, caller, integration_id)
        if row.is_active:
            row.is_active = False
            recording.record(
                session,
                caller,
                "updated",
                "integration",
                row.id,
                utc_now(),
                before={"is_active": True},
                after={"is_active": False},
            )
    async with context.writing() as session:
        await history.delete(session, integration_id)
        await context.lock_configuration(session)
        await history.delete(session, integration_id)
        await _delete(session, caller, await owned(session, Integration, caller, integration_id))


async def _delete(session: AsyncSession, caller: Admin, row: Integration) -> None:
    shown = show(row).document()
    await session.delete(row)
    await session.flush()
    recording.record(session, caller, "deleted", "integration", row.id, utc_now(), before=shown)
