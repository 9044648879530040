"""Tenants: whose alert it is, inside one workspace."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.api.problems import ApiProblem, is_constraint
from tocsin.model import utc_now, uuid7
from tocsin.resources import recording
from tocsin.resources.fields import Id, Input, Name, Output, Slug, Time, example, left_out
from tocsin.resources.owned import owned
from tocsin.store.tables import Alert, AlertRule, Integration, Tenant
from tocsin.store.workspaces import DEFAULT

router = APIRouter(prefix="/tenants", tags=["tenants"], route_class=JsonRoute)


class TenantOut(Output):
    id: Id
    workspace_id: Id
    slug: str
    name: str
    created_at: Time
    updated_at: Time


class TenantIn(Input):
    slug: Slug
    name: Name

    model_config = example({"slug": "acme", "name": "Acme Ltd"})


class TenantPatch(Input):
    slug: Slug = left_out()
    name: Name = left_out()

    model_config = example({"name": "Acme Limited"})


def _slug_taken(error: IntegrityError, slug: str) -> Exception:
    if is_constraint(error, "uq_tenants_workspace_id_slug"):
        return ApiProblem("name-taken", f"Another tenant has the slug {slug!r}.")
    return error


@router.get("")
async def list_tenants(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[TenantOut]:
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session,
            select(Tenant).where(Tenant.workspace_id == caller.workspace_id),
            key=Tenant.id,
            query=query,
            list_name="tenants",
        )
    return Page(items=[TenantOut.model_validate(row) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_tenant(context: Context, caller: Admin, body: TenantIn) -> TenantOut:
    now = utc_now()
    tenant = Tenant(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        slug=body.slug,
        name=body.name,
        created_at=now,
        updated_at=now,
    )
    try:
        async with context.configuring() as session:
            return await recording.create(session, caller, "tenant", tenant, TenantOut, now)
    except IntegrityError as error:
        raise _slug_taken(error, body.slug) from None


@router.get("/{tenant_id:uuid}")
async def get_tenant(context: Context, caller: Viewer, tenant_id: Id) -> TenantOut:
    async with context.reading() as session:
        return TenantOut.model_validate(await owned(session, Tenant, caller, tenant_id))


@router.patch("/{tenant_id:uuid}", responses=problems("name-taken"))
async def update_tenant(
    context: Context, caller: Admin, tenant_id: Id, body: TenantPatch
) -> TenantOut:
    try:
        async with context.configuring() as session:
            tenant = await owned(session, Tenant, caller, tenant_id)
            return await recording.update(
                session, caller, "tenant", tenant, body.given(), TenantOut, utc_now()
            )
    except IntegrityError as error:
        raise _slug_taken(error, body.slug) from None


@router.delete("/{tenant_id:uuid}", status_code=204, responses=problems("in-use"))
async def delete_tenant(context: Context, caller: Admin, tenant_id: Id) -> Response:
    """Deletes a tenant that nothing refers to."""
    async with context.configuring() as session:
        tenant = await owned(session, Tenant, caller, tenant_id)
        if (reason := await _why_needed(session, tenant)) is not None:
            raise ApiProblem("in-use", reason)
        await recording.delete(session, caller, "tenant", tenant, TenantOut, utc_now())
    return Response(status_code=204)


async def _why_needed(session: AsyncSession, tenant: Tenant) -> str | None:
    if tenant.slug == DEFAULT:
        return "Every workspace needs its tenant `default`."
    integrations = select(Integration.name).where(Integration.tenant_id == tenant.id)
    if names := (await session.scalars(integrations.limit(5))).all():
        return f"Integrations belong to it: {', '.join(names)}."
    rules = select(AlertRule.name).where(
        AlertRule.workspace_id == tenant.workspace_id,
        AlertRule.tenant_ids.contains([tenant.id]),
    )
    if names := (await session.scalars(rules.limit(5))).all():
        return f"Alert rules name it: {', '.join(names)}."
    alerts = exists().where(Alert.workspace_id == tenant.workspace_id, Alert.tenant_id == tenant.id)
    if await session.scalar(select(alerts)):
        return "There are alerts of this tenant."
    return None
