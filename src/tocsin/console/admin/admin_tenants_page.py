"""For admins: tenants of the workspace, made, renamed and deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.alerts.alert_addresses import alerts_of_tenant
from tocsin.console.context import ConsoleContext
from tocsin.console.forms.editing import Editor, Faults
from tocsin.console.frame.render import go, page
from tocsin.console.frame.searched_list import Searched
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import DEFAULT_SLUG, Role
from tocsin.resources import tenants
from tocsin.resources.tenants import TenantIn, TenantPatch
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.tenants import page_of_tenants
from tocsin.store.tables import Tenant

_ROWS: Final = 100
_FIELDS: Final = ("name", "slug")
_LONGEST: Final = 300


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/admin/tenants", opened(context, _list, role=Role.ADMIN), methods=["GET"]),
        *TenantEditor().routes(context),
    ]


async def _list(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/", "Only admins see that page.")
    searched, workspace_id = Searched.asked(call.request.query_params), call.visitor.workspace_id
    async with call.context.reading() as session:
        found = await searched.page(
            _ROWS, lambda request, q: page_of_tenants(session, workspace_id, request, q=q)
        )
    return page(
        "admin_tenants.html",
        call.frame("admin"),
        rows=found.rows,
        q=searched.q,
        more=searched.more(found.next_cursor),
        default=DEFAULT_SLUG,
        alerts_of_tenant=alerts_of_tenant,
    )


class TenantEditor(Editor[Tenant, TenantIn, TenantPatch, Mapping[str, str]]):
    place = "admin/tenants"
    called = "tenant"
    all_called = "All tenants"
    unique = "slug"
    table = Tenant
    body = TenantIn
    change = TenantPatch
    keeping = tenants

    async def usual(self, call: Call) -> dict[str, str]:
        return dict.fromkeys(_FIELDS, "")

    async def stored(self, call: Call, row: Tenant) -> dict[str, str]:
        return {name: getattr(row, name) for name in _FIELDS}

    async def entered(self, call: Call) -> dict[str, str]:
        form = await call.form()
        return {name: form.get(name, "").strip()[:_LONGEST] for name in _FIELDS}

    def document(
        self, call: Call, values: Mapping[str, str], row: Tenant | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        if row is None and not values["slug"]:
            return {**values, "slug": _slug_of(values["name"])}, {}
        return dict(values), {}

    def said_when_made(self, row: Tenant) -> str:
        return f"“{row.name}” is there. Integrations, rules and heartbeats can belong to it."

    def said_when_saved(self, row: Tenant) -> str:
        return f"“{row.name}” is saved."

    async def act(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> str | None:
        if act == "delete":
            await tenants.delete(session, call.visitor.principal, row_id, call.now)
            return "Deleted; its alerts stay on record."
        return None

    async def shown(
        self, call: Call, values: Mapping[str, str], faults: Faults, row: Tenant | None
    ) -> Response:
        if not call.may(Role.ADMIN):
            return go("/", "Only admins see that page.")
        return page(
            "admin_tenant.html",
            call.frame("admin"),
            HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            row=row,
            values=values,
            faults=faults,
            is_default=row is not None and row.slug == DEFAULT_SLUG,
            alerts_address=None if row is None else alerts_of_tenant(row.slug),
        )


def _slug_of(name: str) -> str:
    """The name as a slug, as far as it can be one."""
    return "-".join(re.findall(r"[a-z0-9]+", name.lower()))[:63].strip("-")
