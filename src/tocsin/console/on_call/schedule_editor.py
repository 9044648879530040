"""The editor of a schedule: its layers in a form, and in words what a change does before it is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.forms.choices import destination_choices
from tocsin.console.forms.editing import Document, Editor, Faults
from tocsin.console.forms.repeated_fields import Part, one, read_parts, rearranged
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call
from tocsin.console.on_call.schedule_lines import read_hours, read_turns, write_hours, write_turns
from tocsin.model import Role
from tocsin.oncall.schedule import RestrictionMode, RotationUnit
from tocsin.oncall.validation import LAYERS_LIMIT
from tocsin.resources import schedule_previews, schedules
from tocsin.resources.schedule_previews import PreviewIn, SchedulePreviewOut
from tocsin.resources.schedule_shapes import ChangeTime, ScheduleIn, SchedulePatch
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
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
    return ScheduleEditor().routes(context)


@dataclass(frozen=True, slots=True)
class ScheduleChoices:
    people: Sequence[Person]
    destinations: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ScheduleForm:
    """What was entered, and by which names people and destinations are meant."""

    values: Mapping[str, str]
    layers: Sequence[Part]
    choices: ScheduleChoices


async def _choices(call: Call, fallback: str) -> ScheduleChoices:
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        people = await page_of_users(
            session, workspace_id, PageRequest(200), q=None, role=None, is_active=True
        )
        destinations = await destination_choices(
            session, workspace_id, [fallback.partition(":")[2]]
        )
    return ScheduleChoices(
        sorted(((str(each.id), each.name, each.email) for each in people.rows), key=_by_name),
        [(each.id, each.name) for each in destinations],
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


class ScheduleEditor(Editor[StoredSchedule, ScheduleIn, SchedulePatch, ScheduleForm]):
    place = "schedules"
    called = "schedule"
    all_called = "All schedules"
    edit_at = "/edit"
    table = StoredSchedule
    body = ScheduleIn
    change = SchedulePatch
    keeping = schedules

    async def usual(self, call: Call) -> ScheduleForm:
        values = {
            "name": "",
            "timezone": call.visitor.timezone,
            "fallback": "",
            "effective": ChangeTime.NOW.value,
        }
        return ScheduleForm(values, [_blank(call, 0)], await _choices(call, ""))

    async def stored(self, call: Call, row: StoredSchedule) -> ScheduleForm:
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
        choices = await _choices(call, fallback)
        return ScheduleForm(values, [_part(each, choices) for each in row.layers], choices)

    async def entered(self, call: Call) -> ScheduleForm:
        fields = await call.fields()
        given = dict(fields)
        names = ("name", "timezone", "fallback", "effective")
        values = {name: given.get(name, "").strip() for name in names}
        layers = read_parts(fields, "layers", _FIELDS, LAYERS_LIMIT)
        return ScheduleForm(values, layers, await _choices(call, values["fallback"]))

    def rearranged(self, call: Call, values: ScheduleForm, act: str) -> ScheduleForm | None:
        layers = rearranged(values.layers, act, _blank(call, len(values.layers)))
        return None if layers is None else replace(values, layers=layers)

    def document(
        self, call: Call, values: ScheduleForm, row: StoredSchedule | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        document, faults = _document(values)
        if row is not None:
            document["effective"] = values.values["effective"]
        return document, faults

    async def tried(
        self,
        call: Call,
        values: ScheduleForm,
        document: Document,
        faults: Faults,
        row: StoredSchedule | None,
    ) -> Response:
        """With what it changes, in words."""
        if faults:
            return self._page(call, values, faults, row, None)
        preview = await self._preview(call, document, row)
        return self._page(call, values, preview.faults, row, preview.made)

    async def _preview(
        self, call: Call, document: Document, row: StoredSchedule | None
    ) -> forms.Saved[SchedulePreviewOut]:
        if row is None:
            new = forms.read(ScheduleIn, document)
            if new.body is None:
                return forms.Saved(None, new.faults)
            return await forms.save(_preview_new(call, new.body))
        change = forms.read(SchedulePatch, document)
        if change.body is None:
            return forms.Saved(None, change.faults)
        return await forms.save(_preview(call, row.id, change.body))

    def after(self, row_id: UUID) -> str:
        return f"/schedules/{row_id}"

    def said_when_made(self, row: StoredSchedule) -> str:
        return f"“{row.name}” is in force."

    def said_when_saved(self, row: StoredSchedule) -> str:
        return f"“{row.name}” is saved."

    async def act(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> str | None:
        if act != "delete":
            return None
        await schedules.delete(session, call.visitor.principal, row_id, call.now)
        return "Deleted."

    async def shown(
        self, call: Call, values: ScheduleForm, faults: Faults, row: StoredSchedule | None
    ) -> Response:
        return self._page(call, values, faults, row, None)

    def _page(
        self,
        call: Call,
        form: ScheduleForm,
        faults: Faults,
        row: StoredSchedule | None,
        tried: SchedulePreviewOut | None,
    ) -> Response:
        return page(
            "schedule_edit.html",
            call.frame("schedules"),
            HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            row=row,
            values=form.values,
            layers=[{name: one(part, name) for name in _FIELDS} for part in form.layers],
            faults=faults,
            people=form.choices.people,
            destinations=form.choices.destinations,
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


def _document(form: ScheduleForm) -> tuple[dict[str, Any], dict[str, str]]:
    """As the API has it, and what cannot be read, by field."""
    faults: dict[str, str] = {}
    layers = []
    for place, part in enumerate(form.layers):
        turns, fault = read_turns(one(part, "turns"), form.choices.people)
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
                    "length": forms.number_or_text(length),
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
    return document, faults


def _handoff_day(part: Part, unit: str) -> int | str | None:
    """A weekday of weeks, a day of the month of months; None: that of the first turn."""
    if unit == RotationUnit.WEEKLY.value:
        return one(part, "handoff_day") or None
    if unit == RotationUnit.MONTHLY.value:
        date = one(part, "handoff_date")
        return forms.number_or_text(date) if date else None
    return None


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
