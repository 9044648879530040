"""Heartbeats: what should call, when it did last, and when it counts as missed; made and changed."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.heartbeats.schedule import ScheduleKind
from tocsin.model import Role, Severity
from tocsin.resources import heartbeats
from tocsin.resources.heartbeat_shapes import (
    HeartbeatIn,
    HeartbeatOut,
    HeartbeatPatch,
    HeartbeatWithToken,
)
from tocsin.resources.heartbeats import show_all, show_with_token
from tocsin.store import workspace_rows
from tocsin.store.paging import PageRequest
from tocsin.store.queries.heartbeats import newest_pings, page_of_heartbeats
from tocsin.store.tables import Heartbeat

_WORST_FIRST = ("down", "late", "new", "up", "paused", "finished")
_PINGS = 30
_KINDS = (
    (ScheduleKind.INTERVAL, "every so many minutes"),
    (ScheduleKind.CRON, "by a cron line"),
    (ScheduleKind.CALENDAR, "by systemd calendar lines"),
)
_USUAL = {
    "name": "",
    "kind": ScheduleKind.INTERVAL.value,
    "period": "60",
    "expressions": "",
    "timezone": "UTC",
    "grace": "5",
    "max_run": "",
    "first_within": "",
    "severity": Severity.HIGH.value,
}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/heartbeats", opened(context, _list), methods=["GET"]),
        Route("/heartbeats/new", opened(context, _new, role=Role.ADMIN), methods=["GET", "POST"]),
        Route(
            "/heartbeats/{id:uuid}",
            opened(context, _show, role=Role.ADMIN),
            methods=["GET", "POST"],
        ),
        Route(
            "/heartbeats/{id:uuid}/pause",
            opened(context, _pause, role=Role.RESPONDER),
            methods=["POST"],
        ),
        Route(
            "/heartbeats/{id:uuid}/change",
            opened(context, _change, role=Role.ADMIN),
            methods=["POST"],
        ),
    ]


async def _list(call: Call) -> Response:
    async with call.context.reading() as session:
        found = await page_of_heartbeats(
            session,
            call.visitor.workspace_id,
            PageRequest(200),
            state=None,
            tenant_id=None,
            integration_id=None,
            slug=None,
            now=call.now,
        )
        items = await show_all(session, found.rows, call.now, call.context.settings.base_url)
    order = {state: place for place, state in enumerate(_WORST_FIRST)}
    return page(
        "heartbeats.html",
        call.frame("heartbeats"),
        items=sorted(items, key=lambda each: (order.get(each.state, 9), each.name.lower())),
        may_act=call.may(Role.RESPONDER),
        may_change=call.may(Role.ADMIN),
    )


async def _new(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/heartbeats")
    if call.request.method == "GET":
        return _ask(call, {**_USUAL, "timezone": call.visitor.timezone}, {}, None)
    values = _values(await call.form())
    entered = forms.read(HeartbeatIn, _document(values))
    if entered.body is None:
        return _ask(call, values, _at_fields(entered.faults), None)
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return _ask(call, values, _at_fields(saved.faults), None)
    return await _shown(call, saved.made.id, saved.made)


async def _create(call: Call, body: HeartbeatIn) -> HeartbeatWithToken:
    context, caller = call.context, call.visitor.principal
    row, token = heartbeats.make(caller, body, call.now)
    async with context.configuring() as session:
        integration_id = await heartbeats.own_integration(session, context.vault, caller, call.now)
    async with context.writing() as session:
        status = await heartbeats.create(session, caller, row, integration_id, None, call.now)
    return show_with_token(row, status, call.now, context.settings.base_url, token)


def _values(form: Mapping[str, str]) -> dict[str, str]:
    return {name: form.get(name, "").strip()[:5_000] for name in _USUAL}


def _document(values: Mapping[str, str]) -> dict[str, Any]:
    is_interval = values["kind"] == ScheduleKind.INTERVAL.value
    return {
        "name": values["name"],
        "kind": values["kind"],
        "period_seconds": _seconds(values["period"]) if is_interval else None,
        "expressions": [] if is_interval else forms.lines(values["expressions"]),
        "timezone": values["timezone"],
        "grace_seconds": _seconds(values["grace"]),
        "max_run_seconds": _seconds(values["max_run"]) if values["max_run"] else None,
        "expect_first_within_seconds": (
            _seconds(values["first_within"]) if values["first_within"] else None
        ),
        "severity": values["severity"],
    }


def _seconds(minutes: str) -> int | str:
    """The text itself, if it is no number: what is wrong with it is said at the field."""
    try:
        return round(float(minutes.replace(",", ".")) * 60)
    except (ValueError, OverflowError):
        return minutes


def _at_fields(faults: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removesuffix("_seconds").removeprefix("expect_"): words
        for name, words in faults.items()
    }


async def _show(call: Call) -> Response:
    heartbeat_id: UUID = call.request.path_params["id"]
    if call.request.method == "GET":
        return await _shown(call, heartbeat_id, None)
    values = _values(await call.form())
    entered = forms.read(HeartbeatPatch, _document(values))
    if entered.body is None:
        return await _shown(call, heartbeat_id, None, values, _at_fields(entered.faults))
    saved = await forms.save(_update(call, heartbeat_id, entered.body))
    if saved.made is None:
        return await _shown(call, heartbeat_id, None, values, _at_fields(saved.faults))
    return go(f"/heartbeats/{heartbeat_id}", "Saved.")


async def _update(call: Call, heartbeat_id: UUID, body: HeartbeatPatch) -> bool:
    async with call.context.configuring() as session:
        await heartbeats.update(session, call.visitor.principal, heartbeat_id, body, call.now)
    return True


def _stored(row: Heartbeat) -> dict[str, str]:
    def minutes(seconds: int | None) -> str:
        return "" if seconds is None else f"{seconds / 60:g}"

    return {
        "name": row.name,
        "kind": row.kind,
        "period": minutes(row.period_seconds),
        "expressions": "\n".join(row.expressions),
        "timezone": row.timezone,
        "grace": minutes(row.grace_seconds),
        "max_run": minutes(row.max_run_seconds),
        "first_within": minutes(row.expect_first_within_seconds),
        "severity": row.severity.value,
    }


async def _shown(
    call: Call,
    heartbeat_id: UUID,
    with_token: HeartbeatWithToken | None,
    values: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> Response:
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, Heartbeat, call.visitor.workspace_id, heartbeat_id)
        if row is None:
            return absent(call, "heartbeat", ("/heartbeats", "All heartbeats"))
        (item,) = await show_all(session, [row], call.now, call.context.settings.base_url)
        pings = await newest_pings(session, heartbeat_id, _PINGS)
    return _ask(
        call,
        values or _stored(row),
        faults or {},
        with_token or item,
        token=None if with_token is None else with_token.ping_token,
        pings=pings,
    )


async def _pause(call: Call) -> Response:
    heartbeat_id: UUID = call.request.path_params["id"]
    form = await call.form()

    async def act() -> bool:
        caller = call.visitor.principal
        async with call.context.writing() as session:
            if form.get("act") == "resume":
                await heartbeats.resume_heartbeat(session, caller, heartbeat_id, call.now)
            else:
                await heartbeats.pause_heartbeat(session, caller, heartbeat_id, None, call.now)
        return True

    done = await forms.save(act())
    back = f"/heartbeats/{heartbeat_id}" if form.get("back") == "one" else "/heartbeats"
    return go(back, "" if done.made else forms.first(done.faults))


async def _change(call: Call) -> Response:
    heartbeat_id: UUID = call.request.path_params["id"]
    match (await call.form()).get("act"):
        case "rotate":
            rotated = await forms.save(_rotate(call, heartbeat_id))
            if rotated.made is not None:
                return await _shown(call, heartbeat_id, rotated.made)
            return go(f"/heartbeats/{heartbeat_id}", forms.first(rotated.faults))
        case "delete":
            deleted = await forms.save(_delete(call, heartbeat_id))
            return go("/heartbeats", "Deleted." if deleted.made else forms.first(deleted.faults))
        case _:
            return go(f"/heartbeats/{heartbeat_id}")


async def _rotate(call: Call, heartbeat_id: UUID) -> HeartbeatWithToken:
    async with call.context.writing() as session:
        row, status, token = await heartbeats.rotate_token(
            session, call.visitor.principal, heartbeat_id, None, call.now
        )
    return show_with_token(row, status, call.now, call.context.settings.base_url, token)


async def _delete(call: Call, heartbeat_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await heartbeats.delete(session, call.visitor.principal, heartbeat_id, call.now)
    return True


def _ask(
    call: Call,
    values: Mapping[str, str],
    faults: Mapping[str, str],
    item: HeartbeatOut | None,
    **more: Any,
) -> Response:
    return page(
        "heartbeat.html",
        call.frame("heartbeats"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        item=item,
        values=values,
        faults=faults,
        kinds=[(kind.value, words) for kind, words in _KINDS],
        severities=[each.value for each in Severity],
        may_act=call.may(Role.RESPONDER),
        may_change=call.may(Role.ADMIN),
        **{"token": None, "pings": [], **more},
    )
