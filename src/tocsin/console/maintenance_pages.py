"""Maintenance windows: what is worked on and held meanwhile; begun, ended early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console import forms
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, absent, opened
from tocsin.console.matcher_lines import read_matchers, write_matchers
from tocsin.console.render import go, page
from tocsin.explain.preview import past_alerts, try_cover
from tocsin.model import Role
from tocsin.resources import maintenance_windows
from tocsin.resources.maintenance_windows import (
    MaintenanceWindowIn,
    MaintenanceWindowPatch,
    OccurrenceOut,
    routed,
    show,
    shown_occurrence,
)
from tocsin.store import workspace_rows
from tocsin.store.paging import PageRequest
from tocsin.store.queries.alerts import PastAlert
from tocsin.store.queries.held_now import held_now
from tocsin.store.queries.maintenance_windows import page_of_windows
from tocsin.store.tables import StoredWindow

DAYS = 7
_OCCURRENCES = 5
_USUAL = {
    "name": "",
    "comment": "",
    "matchers": "",
    "starts_at": "",
    "duration_minutes": "60",
    "rrule": "",
    "timezone": "UTC",
}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/maintenance", opened(context, _list), methods=["GET"]),
        Route(
            "/maintenance/new",
            opened(context, _new, role=Role.RESPONDER),
            methods=["GET", "POST"],
        ),
        Route(
            "/maintenance/{id:uuid}",
            opened(context, _edit, role=Role.RESPONDER),
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
        held = await held_now(session, call.visitor.workspace_id)
    return page(
        "maintenance.html",
        call.frame("maintenance"),
        lines=[
            (
                show(row, call.now),
                write_matchers(row.matchers).replace("\n", ", "),
                held.get(row.id, 0),
            )
            for row in found.rows
        ],
        over=over,
        may_act=call.may(Role.RESPONDER),
    )


async def _new(call: Call) -> Response:
    if not call.may(Role.RESPONDER):
        return go("/maintenance")
    if call.request.method == "GET":
        return await _ask(call, {**_USUAL, "timezone": call.visitor.timezone}, {}, None)
    values, act = await _entered(call)
    matchers, fault = read_matchers(values["matchers"])
    if fault or act == "try":
        return await _ask(call, values, {"matchers": fault} if fault else {}, None)
    entered = forms.read(MaintenanceWindowIn, _document(call, values, matchers))
    if entered.body is None:
        return await _ask(call, values, entered.faults, None)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return await _ask(call, values, saved.faults, None)
    return go("/maintenance", f"“{saved.made.name}” is planned.")


async def _edit(call: Call) -> Response:
    window_id: UUID = call.request.path_params["id"]
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, StoredWindow, call.visitor.workspace_id, window_id)
    if row is None:
        return absent("maintenance window", ("/maintenance", "All of maintenance"))
    if call.request.method == "GET":
        return await _ask(call, _stored(row), {}, row)
    values, act = await _entered(call)
    matchers, fault = read_matchers(values["matchers"])
    if fault or act == "try":
        return await _ask(call, values, {"matchers": fault} if fault else {}, row)
    document = _document(call, values, matchers)
    del document["author"]
    if document["starts_at"] is None:
        return await _ask(call, values, {"starts_at": "Say when it begins."}, row)
    entered = forms.read(MaintenanceWindowPatch, document)
    if entered.body is None:
        return await _ask(call, values, entered.faults, row)
    saved = await forms.save(_update(call, window_id, entered.body))
    if saved.made is None:
        return await _ask(call, values, saved.faults, row)
    return go("/maintenance", f"“{saved.made.name}” is saved.")


async def _entered(call: Call) -> tuple[dict[str, str], str]:
    """What was entered, and which button was pressed."""
    form = await call.form()
    return {name: form.get(name, "").strip()[:20_000] for name in _USUAL}, form.get("act", "")


def _stored(row: StoredWindow) -> dict[str, str]:
    return {
        "name": row.name,
        "comment": row.comment,
        "matchers": write_matchers(row.matchers),
        "starts_at": row.starts_at.strftime("%Y-%m-%dT%H:%M"),
        "duration_minutes": str(row.duration_minutes),
        "rrule": row.rrule or "",
        "timezone": row.timezone,
    }


async def _update(call: Call, window_id: UUID, body: MaintenanceWindowPatch) -> StoredWindow:
    async with call.context.configuring() as session:
        return await maintenance_windows.update(
            session, call.visitor.principal, window_id, body, call.now
        )


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


@dataclass(frozen=True, slots=True)
class WindowTrial:
    """When it would hold, and what it would have held."""

    occurrences: Sequence[OccurrenceOut]
    considered: int
    held: Sequence[PastAlert]


async def _try(call: Call, values: Mapping[str, str]) -> WindowTrial | None:
    """None while it cannot be tried."""
    matchers, fault = read_matchers(values["matchers"])
    if fault or not matchers:
        return None
    document = {**_document(call, values, matchers), "name": values["name"] or "preview"}
    entered = forms.read(MaintenanceWindowIn, document)
    if entered.body is None:
        return None
    drafted = await forms.save(_draft(call, entered.body))
    if drafted.made is None:
        return None
    row, window = drafted.made, routed(drafted.made)
    async with call.context.reading() as session:
        since = call.now - timedelta(days=DAYS)
        past = await past_alerts(session, call.visitor.workspace_id, since)
    outcome = await try_cover(window, past.alerts)
    return WindowTrial(
        [shown_occurrence(each, row.timezone) for each in window.next(call.now, _OCCURRENCES)],
        outcome.considered,
        outcome.held,
    )


async def _draft(call: Call, body: MaintenanceWindowIn) -> StoredWindow:
    return maintenance_windows.make(call.visitor.principal, body, call.now)


async def _ask(
    call: Call,
    values: Mapping[str, str],
    faults: Mapping[str, str],
    row: StoredWindow | None,
) -> Response:
    return page(
        "maintenance_new.html",
        call.frame("maintenance"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        row=row,
        values=values,
        faults=faults,
        trial=await _try(call, values),
        days=DAYS,
        may_act=call.may(Role.RESPONDER),
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
        case "enable" | "disable" as act:
            body = MaintenanceWindowPatch(is_enabled=act == "enable")
            switched = await forms.save(_update(call, window_id, body))
            said = "" if switched.made else forms.first(switched.faults)
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
