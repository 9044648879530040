"""Schedules: who is on call now and next, the lane of the coming days, and an override with its effect
in words before it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console import forms
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, absent, opened
from tocsin.console.forms import zoned
from tocsin.console.render import go, hue, local_input, page
from tocsin.model import Role
from tocsin.oncall.spans import Span
from tocsin.resources import schedule_overrides, schedule_previews, schedules
from tocsin.resources.schedule_overrides import OverrideIn
from tocsin.resources.schedule_previews import PreviewIn, SchedulePreviewOut
from tocsin.resources.schedule_shapes import ShiftOut, ShiftsOut
from tocsin.resources.shifts import (
    FARTHEST_LOOK,
    names_in,
    shifts_of,
    shown_shift,
    until_their_ends,
)
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.schedules import schedules_of
from tocsin.store.queries.users import page_of_users
from tocsin.store.tables import StoredOverride, StoredSchedule

_DAYS = 14
_HOURS = _DAYS * 24


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/schedules", opened(context, _list), methods=["GET"]),
        Route(
            "/schedules/{id:uuid}",
            opened(context, _show, role=Role.RESPONDER),
            methods=["GET", "POST"],
        ),
    ]


@dataclass(frozen=True, slots=True)
class OnCallLine:
    """A schedule with whoever is on call, each until the shift ends."""

    id: UUID
    name: str
    shifts: Sequence[ShiftOut]


async def on_call_now(
    session: DatabaseSession, workspace_id: UUID, now: datetime
) -> list[OnCallLine]:
    """Of every schedule of the workspace."""
    rows = await schedules_of(session, workspace_id)
    loaded = await schedules.load_all(
        session, workspace_id, [row.id for row in rows], now, now + FARTHEST_LOOK
    )
    lasting = {row.id: until_their_ends(loaded[row.id], now) for row in rows}
    names = await names_in(session, (each for found in lasting.values() for each in found))
    return [
        OnCallLine(
            row.id,
            row.name,
            [shown_shift(each, loaded[row.id], names) for each in lasting[row.id]],
        )
        for row in rows
    ]


async def _list(call: Call) -> Response:
    async with call.context.reading() as session:
        lines = await on_call_now(session, call.visitor.workspace_id, call.now)
    return page(
        "schedules.html", call.frame("schedules"), lines=lines, may_change=call.may(Role.ADMIN)
    )


async def _show(call: Call) -> Response:
    if call.request.method == "GET":
        return await _shown(call, {}, {}, None)
    values = dict(await call.form())
    entered = forms.read(OverrideIn, _document(call, values))
    if entered.body is None:
        return await _shown(call, values, entered.faults, None)
    if values.get("act") == "try":
        tried = await forms.save(_preview(call, entered.body))
        return await _shown(call, values, tried.faults, tried.made)
    saved = await forms.save(_override(call, entered.body))
    if saved.made is None:
        return await _shown(call, values, saved.faults, None)
    return go(f"/schedules/{call.request.path_params['id']}", "The override is in force.")


def _document(call: Call, values: Mapping[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": values.get("kind", "cover")}
    for name in ("starts_at", "ends_at"):
        document[name] = zoned(values.get(name, ""), call.visitor.timezone)
    for name in ("user_id", "substitute_user_id"):
        if values.get(name):
            document[name] = values[name]
    return document


async def _preview(call: Call, body: OverrideIn) -> SchedulePreviewOut:
    async with call.context.reading() as session:
        return await schedule_previews.preview(
            session,
            call.visitor.principal,
            call.request.path_params["id"],
            PreviewIn(override=body),
            call.now,
        )


async def _override(call: Call, body: OverrideIn) -> StoredOverride:
    caller = call.visitor.principal
    async with call.context.configuring() as session:
        row = await schedule_overrides.make(
            session, caller, call.request.path_params["id"], body, call.now
        )
        await schedule_overrides.create(session, caller, row, call.now)
    return row


@dataclass(frozen=True, slots=True)
class LaneBar:
    """One shift in the lane, in hours since its left edge."""

    x: float
    width: float
    hue: str
    name: str
    words: str


async def _shown(
    call: Call,
    values: Mapping[str, str],
    faults: Mapping[str, str],
    tried: SchedulePreviewOut | None,
) -> Response:
    workspace_id, schedule_id = call.visitor.workspace_id, call.request.path_params["id"]
    begins = call.now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)
    span = Span(begins, begins + timedelta(days=_DAYS))
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, StoredSchedule, workspace_id, schedule_id)
        if row is None:
            return absent("schedule", ("/schedules", "All schedules"))
        found = await shifts_of(session, call.visitor.principal, schedule_id, span)
        people = await page_of_users(
            session, workspace_id, PageRequest(200), q=None, role=None, is_active=True
        )
    usual = {
        "kind": "cover",
        "starts_at": local_input(call.now, call.visitor.timezone),
        "ends_at": local_input(call.now + timedelta(hours=12), call.visitor.timezone),
        "user_id": "",
        "substitute_user_id": str(call.visitor.user_id),
    }
    return page(
        "schedule.html",
        call.frame("schedules"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        row=row,
        bars=lane(found, span),
        now_x=(call.now - begins).total_seconds() / 3_600,
        hours=_HOURS,
        days=[
            (day * 24 - begins.hour, begins + timedelta(hours=day * 24 - begins.hour))
            for day in range(1, _DAYS + 1)
        ],
        shifts=[each for each in found.items if each.ends_at > call.now],
        gaps=[each for each in found.gaps if each.ends_at > call.now],
        people=sorted(
            ((str(each.id), each.name) for each in people.rows), key=lambda each: each[1]
        ),
        values={**usual, **values},
        faults=faults,
        tried=tried,
        may_act=call.may(Role.RESPONDER),
        may_change=call.may(Role.ADMIN),
    )


def lane(found: ShiftsOut, span: Span) -> list[LaneBar]:
    """The shifts as bars, and the gaps as bars of nobody."""
    bars = [
        LaneBar(*_place(each, span), hue(each.name), each.name, f"{each.name}, {each.cause.kind}")
        for each in found.items
    ]
    return bars + [LaneBar(*_place(each, span), "gap", "", "nobody") for each in found.gaps]


def _place(each: Any, span: Span) -> tuple[float, float]:
    x = (each.starts_at - span.starts_at).total_seconds() / 3_600
    width = (each.ends_at - each.starts_at).total_seconds() / 3_600
    return round(x, 2), round(width, 2)
