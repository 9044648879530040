"""Maintenance windows: what is worked on and held meanwhile; begun, ended early."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console import forms
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, opened
from tocsin.console.matcher_lines import read_matchers, write_matchers
from tocsin.console.render import go, page
from tocsin.model import Role
from tocsin.resources import maintenance_windows
from tocsin.resources.maintenance_windows import MaintenanceWindowIn, show
from tocsin.store.paging import PageRequest
from tocsin.store.queries.maintenance_windows import page_of_windows
from tocsin.store.tables import StoredWindow


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/maintenance", opened(context, _list), methods=["GET"]),
        Route(
            "/maintenance/new",
            opened(context, _new, role=Role.RESPONDER),
            methods=["GET", "POST"],
        ),
        Route(
            "/maintenance/{id:uuid}/change",
            opened(context, _change, role=Role.RESPONDER),
            methods=["POST"],
        ),
    ]


async def _list(call: Call) -> Response:
    over = call.request.query_params.get("show") == "over"
    async with call.context.reading() as session:
        found = await page_of_windows(
            session, call.visitor.workspace_id, PageRequest(200), over=over, now=call.now
        )
    return page(
        "maintenance.html",
        call.frame("maintenance"),
        lines=[
            (show(row, call.now), write_matchers(row.matchers).replace("\n", ", "))
            for row in found.rows
        ],
        over=over,
        may_act=call.may(Role.RESPONDER),
    )


async def _new(call: Call) -> Response:
    if not call.may(Role.RESPONDER):
        return go("/maintenance")
    usual = {
        "name": "",
        "comment": "",
        "matchers": "",
        "starts_at": "",
        "duration_minutes": "60",
        "rrule": "",
        "timezone": call.visitor.timezone,
    }
    if call.request.method == "GET":
        return _ask(call, usual, {})
    form = await call.form()
    values = {name: form.get(name, "").strip() for name in usual}
    matchers, fault = read_matchers(values["matchers"])
    if fault:
        return _ask(call, values, {"matchers": fault})
    entered = forms.read(MaintenanceWindowIn, _document(call, values, matchers))
    if entered.body is None:
        return _ask(call, values, entered.faults)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return _ask(call, values, saved.faults)
    return go("/maintenance", f"“{saved.made.name}” is planned.")


def _document(
    call: Call, values: Mapping[str, str], matchers: list[dict[str, str]]
) -> dict[str, Any]:
    minutes = values["duration_minutes"]
    return {
        "name": values["name"],
        "comment": values["comment"],
        "matchers": matchers,
        "timezone": values["timezone"],
        "starts_at": f"{values['starts_at']}:00" if values["starts_at"] else None,
        "duration_minutes": int(minutes) if minutes.isdecimal() and len(minutes) < 8 else 0,
        "rrule": values["rrule"] or None,
        "author": call.visitor.name,
    }


async def _create(call: Call, body: MaintenanceWindowIn) -> StoredWindow:
    caller = call.visitor.principal
    row = maintenance_windows.make(caller, body, call.now)
    async with call.context.configuring() as session:
        await maintenance_windows.create(session, caller, row, call.now)
    return row


def _ask(call: Call, values: Mapping[str, str], faults: Mapping[str, str]) -> Response:
    return page(
        "maintenance_new.html",
        call.frame("maintenance"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        values=values,
        faults=faults,
    )


async def _change(call: Call) -> Response:
    window_id: UUID = call.request.path_params["id"]
    match (await call.form()).get("act"):
        case "end":
            ended = await forms.save(_end(call, window_id))
            said = (
                "Over; what it held is looked at again."
                if ended.made
                else forms.first(ended.faults)
            )
        case "delete":
            deleted = await forms.save(_delete(call, window_id))
            said = "Deleted." if deleted.made else forms.first(deleted.faults)
        case _:
            said = ""
    return go("/maintenance", said)


async def _end(call: Call, window_id: UUID) -> StoredWindow:
    async with call.context.configuring() as session:
        return await maintenance_windows.end(session, call.visitor.principal, window_id, call.now)


async def _delete(call: Call, window_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await maintenance_windows.delete(session, call.visitor.principal, window_id, call.now)
    return True
