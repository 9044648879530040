"""Integrations: who sends, whether they are heard, and the first webhook, live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.list_page import page_or_first
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.console.integrations.attempt_words import AttemptLine, verdict_of, waiting_for
from tocsin.console.integrations.setup_guides import steps, tool_name
from tocsin.console.overview.first_steps import next_step
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Role
from tocsin.resources import integrations
from tocsin.resources.integration_health import health_of
from tocsin.resources.integration_shapes import (
    IntegrationIn,
    IntegrationPatch,
    IntegrationWithSecret,
    Rotation,
    SourceType,
)
from tocsin.store import workspace_rows
from tocsin.store.paging import PageRequest
from tocsin.store.queries.health import SourceHeard, sources_heard
from tocsin.store.queries.integrations import page_of_integrations
from tocsin.store.queries.webhook_deliveries import page_of_webhook_deliveries
from tocsin.store.tables import Integration

_ATTEMPTS = 30


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/integrations", opened(context, _list), methods=["GET"]),
        Route("/integrations/new", opened(context, _new, role=Role.ADMIN), methods=["GET", "POST"]),
        Route("/integrations/{id:uuid}", opened(context, _show), methods=["GET"]),
        Route(
            "/integrations/{id:uuid}/change",
            opened(context, _change, role=Role.ADMIN),
            methods=["POST"],
        ),
    ]


@dataclass(frozen=True, slots=True)
class IntegrationLine:
    row: Integration
    tool: str
    heard: SourceHeard | None
    is_silent: bool


async def _list(call: Call) -> Response:
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        found = await page_of_integrations(
            session,
            workspace_id,
            PageRequest(200),
            type=None,
            is_active=None,
            tenant_id=None,
        )
        heard = {each.id: each for each in await sources_heard(session, workspace_id)}
    lines = [
        IntegrationLine(
            row,
            tool_name(row.type),
            heard.get(row.id),
            row.id in heard and heard[row.id].is_silent(call.now),
        )
        for row in sorted(found.rows, key=lambda each: each.name.lower())
    ]
    return page(
        "integrations.html",
        call.frame("integrations"),
        lines=lines,
        may_change=call.may(Role.ADMIN),
    )


async def _new(call: Call) -> Response:
    """First the tool, then its name; then the page that waits for its first webhook."""
    if not call.may(Role.ADMIN):
        return go("/integrations")
    chosen = call.request.query_params.get("type", "")
    if call.request.method == "GET":
        return _ask(chosen, call, {"name": chosen.replace("_", "-")}, {})
    form = await call.form()
    document: dict[str, Any] = {"name": form.get("name", "").strip(), "type": form.get("type", "")}
    if secret := form.get("webhook_secret", "").strip():
        document["webhook_secret"] = secret
    entered = forms.read(IntegrationIn, document)
    if entered.body is None:
        return _ask(document["type"], call, form, entered.faults)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return _ask(document["type"], call, form, saved.faults)
    return await show_integration(call, UUID(str(saved.made.id)), saved.made)


async def _create(call: Call, body: IntegrationIn) -> IntegrationWithSecret:
    context, caller = call.context, call.visitor.principal
    row, secret = integrations.make(context.vault, caller, body, call.now)
    tenant_id = body.tenant_id if "tenant_id" in body.model_fields_set else None
    async with context.configuring() as session:
        await integrations.create(session, caller, row, tenant_id, call.now)
    return integrations.show_with_secret(row, secret, context.settings)


def _ask(chosen: str, call: Call, values: Mapping[str, str], faults: Mapping[str, str]) -> Response:
    tools = sorted(((kind.value, tool_name(kind.value)) for kind in SourceType), key=_by_name)
    return page(
        "integration_new.html",
        call.frame("integrations"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        tools=tools,
        chosen=chosen if chosen in {kind.value for kind in SourceType} else "",
        tool=tool_name(chosen) if chosen else "",
        values={"name": values.get("name", "")},
        faults=faults,
    )


def _by_name(tool: tuple[str, str]) -> str:
    return tool[1].lower()


async def _show(call: Call) -> Response:
    return await show_integration(call, call.request.path_params["id"], None)


async def show_integration(
    call: Call, integration_id: UUID, secret_shown: IntegrationWithSecret | None
) -> Response:
    context, workspace_id = call.context, call.visitor.workspace_id
    cursor = call.request.query_params.get("after")
    async with context.reading() as session:
        row = await workspace_rows.find(session, Integration, workspace_id, integration_id)
        if row is None:
            return absent(call, "integration", ("/integrations", "All integrations"))
        attempts = await page_or_first(
            _ATTEMPTS,
            cursor,
            lambda request: page_of_webhook_deliveries(
                session,
                workspace_id,
                request,
                integration_id=integration_id,
                status_code=None,
                outcome=None,
                alert_id=None,
                since=None,
                until=None,
            ),
        )
        heard = {each.id: each for each in await sources_heard(session, workspace_id)}
        secrets = await integrations.live_secrets(
            session, call.visitor.principal, integration_id, call.now
        )
        step = await next_step(session, call)
        health = await health_of(session, call.visitor.principal, integration_id, call.now)
    shown = secret_shown or integrations.show(row, context.settings)
    newest = attempts.rows[0] if attempts.rows else None
    return page(
        "integration.html",
        call.frame("integrations"),
        row=row,
        shown=shown,
        secret=None if secret_shown is None else secret_shown.webhook_secret,
        tool=tool_name(row.type),
        steps=steps(
            row.type,
            shown.webhook_url,
            context.settings.base_url,
            None if secret_shown is None else secret_shown.webhook_secret,
        ),
        attempts=[AttemptLine(each, *verdict_of(each)) for each in attempts.rows],
        more=attempts.next_cursor,
        heard=heard.get(row.id),
        is_silent=row.id in heard and heard[row.id].is_silent(call.now),
        waiting=waiting_for(newest),
        newest_alert=next((each.alert_id for each in attempts.rows if each.alert_id), None),
        secrets=secrets,
        next_step=step,
        health=health,
        takes_mapping=SOURCES[row.type].takes_mapping,
        may_change=call.may(Role.ADMIN),
    )


async def _change(call: Call) -> Response:
    integration_id: UUID = call.request.path_params["id"]
    here = f"/integrations/{integration_id}"
    form = await call.form()
    context, caller = call.context, call.visitor.principal
    match form.get("act"):
        case "rotate":
            saved = await forms.save(_rotate(call, integration_id))
            if saved.made is not None:
                return await show_integration(call, integration_id, saved.made)
            return go(here, forms.first(saved.faults))
        case "enable" | "disable" as act:
            body = IntegrationPatch(is_active=act == "enable")
            async with context.configuring() as session:
                await integrations.update(
                    session, context.vault, caller, integration_id, body, call.now
                )
            return go(here)
        case "rename":
            entered = forms.read(IntegrationPatch, {"name": form.get("name", "").strip()})
            if entered.body is None:
                return go(here, forms.first(entered.faults))
            renamed = await forms.save(_update(call, integration_id, entered.body))
            return go(here, "" if renamed.made else forms.first(renamed.faults))
        case "delete":
            deleted = await forms.save(_delete(call, integration_id))
            if deleted.made is None:
                return go(here, forms.first(deleted.faults))
            return go("/integrations", "Deleted.")
        case _:
            return go(here)


async def _rotate(call: Call, integration_id: UUID) -> IntegrationWithSecret:
    context = call.context
    async with context.configuring() as session:
        row, secret = await integrations.rotate_secret(
            session, context.vault, call.visitor.principal, integration_id, Rotation(), call.now
        )
    return integrations.show_with_secret(row, secret, context.settings)


async def _update(call: Call, integration_id: UUID, body: IntegrationPatch) -> Integration:
    context = call.context
    async with context.configuring() as session:
        return await integrations.update(
            session, context.vault, call.visitor.principal, integration_id, body, call.now
        )


async def _delete(call: Call, integration_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await integrations.delete(session, call.visitor.principal, integration_id, call.now)
    return True
