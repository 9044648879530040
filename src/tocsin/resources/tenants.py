"""Tenants: whose alert it is, inside one workspace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.model import DEFAULT_SLUG, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import StillNeeded
from tocsin.resources.fields import Id, Input, Name, Output, Slug, Time, example, left_out
from tocsin.resources.owned import owned
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.heartbeats import heartbeats_of_tenant
from tocsin.store.queries.integrations import integrations_of_tenant
from tocsin.store.queries.rules import rules_naming_tenant
from tocsin.store.tables import Tenant

_MOST_NAMED = 5


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


def _document(row: Tenant) -> Mapping[str, Any]:
    return TenantOut.model_validate(row).document()


_KIND = recording.Kind("tenant", _document)


def make(caller: Principal, body: TenantIn, now: datetime) -> Tenant:
    """The tenant that the body describes; nothing is stored yet."""
    return Tenant(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        slug=body.slug,
        name=body.name,
        created_at=now,
        updated_at=now,
    )


async def create(session: DatabaseSession, caller: Principal, row: Tenant, now: datetime) -> None:
    await recording.create(session, caller, _KIND, row, now)


async def update(
    session: DatabaseSession, caller: Principal, tenant_id: UUID, body: TenantPatch, now: datetime
) -> Tenant:
    row = await owned(session, Tenant, caller, tenant_id)
    async with recording.changing(session, caller, _KIND, row, now):
        recording.assign(row, body.given())
    return row


async def delete(
    session: DatabaseSession, caller: Principal, tenant_id: UUID, now: datetime
) -> None:
    """Deletes a tenant that no integration, heartbeat or rule names; its alerts stay on record.

    Raises:
        StillNeeded: something does.
    """
    row = await owned(session, Tenant, caller, tenant_id)
    if (reason := await _why_needed(session, row)) is not None:
        raise StillNeeded(reason)
    await recording.delete(session, caller, _KIND, row, now)


async def _why_needed(session: DatabaseSession, tenant: Tenant) -> str | None:
    if tenant.slug == DEFAULT_SLUG:
        return "Every workspace needs its tenant `default`."
    if names := await integrations_of_tenant(session, tenant.id, _MOST_NAMED):
        return f"Integrations belong to it: {', '.join(names)}."
    if names := await heartbeats_of_tenant(session, tenant.id, _MOST_NAMED):
        return f"Heartbeats belong to it: {', '.join(names)}."
    if names := await rules_naming_tenant(session, tenant.workspace_id, tenant.id, _MOST_NAMED):
        return f"Alert rules name it: {', '.join(names)}."
    return None
