"""The editor of a schedule: its layers in a form, and in words what a change does before it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console import forms
from tocsin.console.context import ConsoleContext
from tocsin.console.door import Call, absent, opened
from tocsin.console.render import go, page
from tocsin.console.repeated_fields import Part, one, read_parts, rearranged
from tocsin.console.schedule_lines import read_hours, read_turns, write_hours, write_turns
from tocsin.model import Role
from tocsin.oncall.schedule import RestrictionMode, RotationUnit
from tocsin.oncall.validation import LAYERS_LIMIT
from tocsin.resources import schedule_previews, schedules
from tocsin.resources.schedule_previews import PreviewIn, SchedulePreviewOut
from tocsin.resources.schedule_shapes import ChangeTime, ScheduleIn, SchedulePatch
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.destinations import page_of_destinations
from tocsin.store.queries.users import page_of_users
from tocsin.store.tables import StoredSchedule

_FIELDS = (
    "id",
    "name",
    "unit",
    "length",
    "handoff_time",
    "handoff_day",
    "handoff_date",
    "starts_on",
    "turns",
    "hours",
    "mode",
)
_UNITS = (
    (RotationUnit.WEEKLY, "weeks"),
    (RotationUnit.DAILY, "days"),
    (RotationUnit.HOURS, "hours"),
    (RotationUnit.MONTHLY, "months"),
)
Person = tuple[str, str, str]
"""Id, name and address."""


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/schedules/new", opened(context, _new, role=Role.ADMIN), methods=["GET", "POST"]),
        Route(
            "/schedules/{id:uuid}/edit",
            opened(context, _edit, role=Role.ADMIN),
            methods=["GET", "POST"],
        ),
        Route(
            "/schedules/{id:uuid}/delete",
            opened(context, _delete, role=Role.ADMIN),
            methods=["POST"],
        ),
    ]


@dataclass(frozen=True, slots=True)
class Form:
    """What was entered. `faults` by field; those of a layer as `layers-0-turns`."""

    values: Mapping[str, str]
    layers: Sequence[Part]
    faults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ScheduleChoices:
    people: Sequence[Person]
    destinations: Sequence[tuple[str, str]]


async def _choices(session: DatabaseSession, workspace_id: UUID) -> ScheduleChoices:
    people = await page_of_users(
        session, workspace_id, PageRequest(200), q=None, role=None, is_active=True
    )
    destinations = await page_of_destinations(
        session, workspace_id, PageRequest(200), type=None, is_enabled=None
    )
    return ScheduleChoices(
        sorted(((str(each.id), each.name, each.email) for each in people.rows), key=_by_name),
        sorted(((str(each.id), each.name) for each in destinations.rows), key=_by_name),
    )


def _by_name(each: tuple[str, ...]) -> str:
    return each[1].lower()


def _blank(call: Call, place: int) -> Part:
    monday = call.now.date().isoformat()
    return {
        "id": [""],
        "name": ["Primary" if not place else f"Layer {place + 1}"],
        "unit": [RotationUnit.WEEKLY.value],
        "length": ["1"],
        "handoff_time": ["09:00"],
        "handoff_day": ["mon"],
        "handoff_date": [""],
        "starts_on": [monday],
        "turns": [""],
        "hours": [""],
        "mode": [RestrictionMode.WALL.value],
    }


async def _new(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/schedules")
    async with call.context.reading() as session:
        choices = await _choices(session, call.visitor.workspace_id)
    if call.request.method == "GET":
        values = {"name": "", "timezone": call.visitor.timezone, "fallback": "", "effective": "now"}
        return _shown(call, Form(values, [_blank(call, 0)], {}), choices, None, None)
    form, act = await _entered(call)
    if (layers := rearranged(form.layers, act, _blank(call, len(form.layers)))) is not None:
        return _shown(call, Form(form.values, layers, {}), choices, None, None)
    document, form = _document(form, choices)
    if form.faults:
        return _shown(call, form, choices, None, None)
    body, form = _read(ScheduleIn, document, form)
    if body is None:
        return _shown(call, form, choices, None, None)
    if act == "try":
        tried = await forms.save(_preview_new(call, body))
        return _shown(call, _with(form, tried.faults), choices, None, tried.made)
    saved = await forms.save(_create(call, body))
    if saved.made is None:
        return _shown(call, _with(form, saved.faults), choices, None, None)
    return go(f"/schedules/{saved.made.id}", f"“{saved.made.name}” is in force.")


async def _edit(call: Call) -> Response:
    schedule_id: UUID = call.request.path_params["id"]
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        row = await workspace_rows.find(session, StoredSchedule, workspace_id, schedule_id)
        choices = await _choices(session, workspace_id)
    if row is None:
        return absent("schedule", ("/schedules", "All schedules"))
    if call.request.method == "GET":
        return _shown(call, _stored(row, choices), choices, row, None)
    form, act = await _entered(call)
    if (layers := rearranged(form.layers, act, _blank(call, len(form.layers)))) is not None:
        return _shown(call, Form(form.values, layers, {}), choices, row, None)
    document, form = _document(form, choices)
    if form.faults:
        return _shown(call, form, choices, row, None)
    document["effective"] = form.values["effective"]
    body, form = _read(SchedulePatch, document, form)
    if body is None:
        return _shown(call, form, choices, row, None)
    if act == "try":
        tried = await forms.save(_preview(call, schedule_id, body))
        return _shown(call, _with(form, tried.faults), choices, row, tried.made)
    saved = await forms.save(_update(call, schedule_id, body))
    if saved.made is None:
        return _shown(call, _with(form, saved.faults), choices, row, None)
    return go(f"/schedules/{schedule_id}", f"“{saved.made.name}” is saved.")


async def _entered(call: Call) -> tuple[Form, str]:
    """The form, and which of its buttons was pressed."""
    fields = await call.fields()
    given = dict(fields)
    values = {
        name: given.get(name, "").strip() for name in ("name", "timezone", "fallback", "effective")
    }
    layers = read_parts(fields, "layers", _FIELDS, LAYERS_LIMIT)
    return Form(values, layers, {}), given.get("act", "")


def _document(form: Form, choices: ScheduleChoices) -> tuple[dict[str, Any], Form]:
    """As the API has it, and the form with what cannot be read."""
    faults: dict[str, str] = {}
    layers = []
    for place, part in enumerate(form.layers):
        turns, fault = read_turns(one(part, "turns"), choices.people)
        if fault:
            faults[f"layers-{place}-turns"] = fault
        hours, fault = read_hours(one(part, "hours"))
        if fault:
            faults[f"layers-{place}-hours"] = fault
        unit, length = one(part, "unit"), one(part, "length")
        layers.append(
            {
                "id": one(part, "id") or None,
                "name": one(part, "name"),
                "rotation": {
                    "unit": unit,
                    "length": _number(length),
                    "handoff_time": one(part, "handoff_time")[:5],
                    "handoff_day": _handoff_day(part, unit),
                    "starts_on": one(part, "starts_on"),
                },
                "participants": turns,
                "restrictions": hours,
                "restriction_mode": one(part, "mode") or RestrictionMode.WALL.value,
            }
        )
    kind, _, id = form.values["fallback"].partition(":")
    fallback = {f"{kind}_id": id} if kind in ("user", "destination") else None
    document = {
        "name": form.values["name"],
        "timezone": form.values["timezone"],
        "fallback": fallback,
        "layers": layers,
    }
    return document, Form(form.values, form.layers, faults)


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) < 6 else text


def _handoff_day(part: Part, unit: str) -> int | str | None:
    """A weekday of weeks, a day of the month of months; None: that of the first turn."""
    if unit == RotationUnit.WEEKLY.value:
        return one(part, "handoff_day") or None
    if unit == RotationUnit.MONTHLY.value:
        date = one(part, "handoff_date")
        return _number(date) if date else None
    return None


def _read(
    shape: type[forms.Shape], document: Mapping[str, Any], form: Form
) -> tuple[forms.Shape | None, Form]:
    entered = forms.read(shape, document)
    return entered.body, form if entered.body is not None else _with(form, entered.faults)


def _with(form: Form, faults: Mapping[str, str]) -> Form:
    return Form(form.values, form.layers, faults)


def _stored(row: StoredSchedule, choices: ScheduleChoices) -> Form:
    fallback = ""
    if row.fallback_user_id is not None:
        fallback = f"user:{row.fallback_user_id}"
    elif row.fallback_destination_id is not None:
        fallback = f"destination:{row.fallback_destination_id}"
    values = {
        "name": row.name,
        "timezone": row.timezone,
        "fallback": fallback,
        "effective": ChangeTime.NOW.value,
    }
    return Form(values, [_part(each, choices) for each in row.layers], {})


def _part(layer: Mapping[str, Any], choices: ScheduleChoices) -> Part:
    rotation = layer["rotation"]
    day = rotation["handoff_day"]
    return {
        "id": [str(layer["id"])],
        "name": [layer["name"]],
        "unit": [rotation["unit"]],
        "length": [str(rotation["length"])],
        "handoff_time": [rotation["handoff_time"]],
        "handoff_day": [day if isinstance(day, str) else ""],
        "handoff_date": [str(day) if isinstance(day, int) else ""],
        "starts_on": [str(rotation["starts_on"])],
        "turns": [write_turns(layer["participants"], choices.people)],
        "hours": [write_hours(layer["restrictions"])],
        "mode": [layer["restriction_mode"]],
    }


async def _preview_new(call: Call, body: ScheduleIn) -> SchedulePreviewOut:
    async with call.context.reading() as session:
        return await schedule_previews.preview_new(session, call.visitor.principal, body, call.now)


async def _preview(call: Call, schedule_id: UUID, body: SchedulePatch) -> SchedulePreviewOut:
    async with call.context.reading() as session:
        return await schedule_previews.preview(
            session, call.visitor.principal, schedule_id, PreviewIn(change=body), call.now
        )


async def _create(call: Call, body: ScheduleIn) -> StoredSchedule:
    caller = call.visitor.principal
    row = schedules.make(caller, body, call.now)
    async with call.context.configuring() as session:
        await schedules.create(session, caller, row, call.now)
    return row


async def _update(call: Call, schedule_id: UUID, body: SchedulePatch) -> StoredSchedule:
    async with call.context.configuring() as session:
        return await schedules.update(session, call.visitor.principal, schedule_id, body, call.now)


async def _delete(call: Call) -> Response:
    schedule_id: UUID = call.request.path_params["id"]

    async def delete() -> bool:
        async with call.context.configuring() as session:
            await schedules.delete(session, call.visitor.principal, schedule_id, call.now)
        return True

    deleted = await forms.save(delete())
    if deleted.made is None:
        return go(f"/schedules/{schedule_id}/edit", forms.first(deleted.faults))
    return go("/schedules", "Deleted.")


def _shown(
    call: Call,
    form: Form,
    choices: ScheduleChoices,
    row: StoredSchedule | None,
    tried: SchedulePreviewOut | None,
) -> Response:
    return page(
        "schedule_edit.html",
        call.frame("schedules"),
        HTTPStatus.UNPROCESSABLE_ENTITY if form.faults else HTTPStatus.OK,
        row=row,
        values=form.values,
        layers=[{name: one(part, name) for name in _FIELDS} for part in form.layers],
        faults=form.faults,
        people=choices.people,
        destinations=choices.destinations,
        units=[(unit.value, words) for unit, words in _UNITS],
        modes=[
            (RestrictionMode.WALL.value, "turns go on meanwhile"),
            (RestrictionMode.ACTIVE.value, "only time on duty counts"),
        ],
        days=("mon", "tue", "wed", "thu", "fri", "sat", "sun"),
        tried=tried,
        may_change=call.may(Role.ADMIN),
        can_add=len(form.layers) < LAYERS_LIMIT,
    )
