"""Tenants: whose alert it is, inside one workspace."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import tenants
from tocsin.resources.fields import Id, Text
from tocsin.resources.owned import owned
from tocsin.resources.tenants import TenantIn, TenantOut, TenantPatch
from tocsin.store.queries.tenants import page_of_tenants
from tocsin.store.tables import Tenant

router = APIRouter(prefix="/tenants", tags=["tenants"], route_class=JsonRoute)


class TenantQuery(PageQuery):
    q: Annotated[Text | None, Field(description="Text in name or slug")] = None


@router.get("")
async def list_tenants(
    context: Context, caller: Viewer, query: Annotated[TenantQuery, Query()]
) -> Page[TenantOut]:
    async with context.reading() as session:
        page = await page_of_tenants(session, caller.workspace_id, query.request(), q=query.q)
    return shown(page, TenantOut.model_validate)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_tenant(context: Context, caller: Admin, body: TenantIn) -> TenantOut:
    now = utc_now()
    row = tenants.make(caller, body, now)
    async with context.configuring() as session:
        await tenants.create(session, caller, row, now)
    return TenantOut.model_validate(row)


@router.get("/{tenant_id:uuid}")
async def get_tenant(context: Context, caller: Viewer, tenant_id: Id) -> TenantOut:
    async with context.reading() as session:
        return TenantOut.model_validate(await owned(session, Tenant, caller, tenant_id))


@router.patch("/{tenant_id:uuid}", responses=problems("name-taken"))
async def update_tenant(
    context: Context, caller: Admin, tenant_id: Id, body: TenantPatch
) -> TenantOut:
    async with context.configuring() as session:
        row = await tenants.update(session, caller, tenant_id, body, utc_now())
        return TenantOut.model_validate(row)


@router.delete("/{tenant_id:uuid}", status_code=204, responses=problems("in-use"))
async def delete_tenant(context: Context, caller: Admin, tenant_id: Id) -> Response:
    """Deletes a tenant that nothing refers to."""
    async with context.configuring() as session:
        await tenants.delete(session, caller, tenant_id, utc_now())
    return Response(status_code=204)
