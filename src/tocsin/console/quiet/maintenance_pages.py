"""Maintenance windows: what is worked on and held meanwhile; begun, ended early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.forms.choices import tenant_choices
from tocsin.console.forms.durations import read_duration, write_duration
from tocsin.console.forms.editing import Editor, Faults
from tocsin.console.forms.matcher_lines import read_matchers, write_matchers
from tocsin.console.forms.past_days import DAYS, past_days
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call, opened
from tocsin.explain.preview import try_cover
from tocsin.model import OnEnd, Role, Severity
from tocsin.resources import maintenance_windows
from tocsin.resources.maintenance_windows import (
    MaintenanceWindowIn,
    MaintenanceWindowPatch,
    OccurrenceOut,
    routed,
    show,
    shown_occurrence,
)
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.alerts import PastAlert
from tocsin.store.queries.held_now import held_now
from tocsin.store.queries.maintenance_windows import page_of_windows
from tocsin.store.tables import StoredWindow

_OCCURRENCES = 5
_USUAL = {
    "name": "",
    "comment": "",
    "matchers": "",
    "starts_at": "",
    "duration_minutes": "1 h",
    "rrule": "",
    "exdates": "",
    "timezone": "UTC",
    "breakthrough_severity": "",
    "on_end": OnEnd.NOTIFY_OPEN.value,
}
_ENDS = (
    (OnEnd.NOTIFY_OPEN, "is notified then, in one message"),
    (OnEnd.NOTHING, "is not notified"),
)

Values = Mapping[str, Any]


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/maintenance", opened(context, _list), methods=["GET"]),
        *MaintenanceEditor().routes(context),
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


@dataclass(frozen=True, slots=True)
class WindowTrial:
    """When it would hold, and what it would have held."""

    occurrences: Sequence[OccurrenceOut]
    considered: int
    held: Sequence[PastAlert]


class MaintenanceEditor(Editor[StoredWindow, MaintenanceWindowIn, MaintenanceWindowPatch, Values]):
    place = "maintenance"
    called = "maintenance window"
    all_called = "All of maintenance"
    role = Role.RESPONDER
    table = StoredWindow
    body = MaintenanceWindowIn
    change = MaintenanceWindowPatch
    keeping = maintenance_windows

    async def usual(self, call: Call) -> Values:
        return {**_USUAL, "timezone": call.visitor.timezone, "tenant_ids": []}

    async def stored(self, call: Call, row: StoredWindow) -> Values:
        return {
            "name": row.name,
            "comment": row.comment,
            "matchers": write_matchers(row.matchers),
            "tenant_ids": [str(each) for each in row.tenant_ids or ()],
            "starts_at": _written(row.starts_at),
            "duration_minutes": write_duration(row.duration_minutes * 60),
            "rrule": row.rrule or "",
            "exdates": "\n".join(_written(each).replace("T", " ") for each in row.exdates),
            "timezone": row.timezone,
            "breakthrough_severity": row.breakthrough_severity.value
            if row.breakthrough_severity
            else "",
            "on_end": row.on_end,
        }

    async def entered(self, call: Call) -> Values:
        fields = await call.fields()
        given = dict(fields)
        values = {name: given.get(name, usual).strip()[:20_000] for name, usual in _USUAL.items()}
        return {**values, "tenant_ids": [each for name, each in fields if name == "tenant_ids"]}

    def document(
        self, call: Call, values: Values, row: StoredWindow | None
    ) -> tuple[dict[str, Any], dict[str, str]]:
        faults: dict[str, str] = {}
        matchers, fault = read_matchers(values["matchers"])
        if fault:
            faults["matchers"] = fault
        seconds = read_duration(values["duration_minutes"])
        if seconds is None or seconds % 60:
            faults["duration_minutes"] = "Write how long, to the minute: 90 min, 2 h."
        starts_at = values["starts_at"]
        document = {
            "name": values["name"],
            "comment": values["comment"],
            "matchers": matchers,
            "tenant_ids": values["tenant_ids"] or None,
            "timezone": values["timezone"],
            "starts_at": starts_at or None,
            "duration_minutes": (seconds or 0) // 60,
            "rrule": values["rrule"] or None,
            "exdates": [_local_start(each, starts_at) for each in forms.lines(values["exdates"])],
            "breakthrough_severity": values["breakthrough_severity"] or None,
            "on_end": values["on_end"],
        }
        if row is None:
            document["author"] = call.visitor.name
        elif not starts_at:
            faults["starts_at"] = "Say when it begins."
        return document, faults

    async def tried(
        self, call: Call, values: Values, document: Any, faults: Faults, row: StoredWindow | None
    ) -> Response:
        # How long may still be to come.
        told = {name: words for name, words in faults.items() if name == "matchers"}
        return await self.shown(call, values, told, row)

    def said_when_made(self, row: StoredWindow) -> str:
        return f"“{row.name}” is planned."

    def said_when_saved(self, row: StoredWindow) -> str:
        return f"“{row.name}” is saved."

    async def act(self, session: DatabaseSession, call: Call, row_id: UUID, act: str) -> str | None:
        caller = call.visitor.principal
        match act:
            case "end":
                await maintenance_windows.end(session, caller, row_id, call.now)
                return "Over; what it held is looked at again."
            case "delete":
                await maintenance_windows.delete(session, caller, row_id, call.now)
                return "Deleted."
            case "enable" | "disable":
                await self.switched(session, call, row_id, act)
        return None

    async def shown(
        self, call: Call, values: Values, faults: Faults, row: StoredWindow | None
    ) -> Response:
        async with call.context.reading() as session:
            tenants = await tenant_choices(session, call.visitor.workspace_id, values["tenant_ids"])
        return page(
            "maintenance_new.html",
            call.frame("maintenance"),
            HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
            row=row,
            values=values,
            faults=faults,
            tenants=tenants,
            severities=[each.value for each in Severity],
            ends=[(each.value, words) for each, words in _ENDS],
            trial=await self._try(call, values),
            days=DAYS,
            may_act=call.may(Role.RESPONDER),
        )

    async def _try(self, call: Call, values: Values) -> WindowTrial | None:
        """None while it cannot be tried."""
        document, faults = self.document(call, values, None)
        if faults or not (document["matchers"] or document["tenant_ids"]):
            return None
        drafted = await self.drafted(call, {**document, "name": "preview"})
        if drafted.made is None:
            return None
        row, window = drafted.made, routed(drafted.made)
        outcome = await try_cover(window, (await past_days(call)).alerts)
        return WindowTrial(
            [shown_occurrence(each, row.timezone) for each in window.next(call.now, _OCCURRENCES)],
            outcome.considered,
            outcome.held,
        )


def _written(local: datetime) -> str:
    """As a field of date and time has it, to the second only where there are seconds."""
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def _local_start(line: str, starts_at: str) -> str:
    """A date alone means the start of that day."""
    text = line.replace(" ", "T")
    return text if "T" in text else f"{text}T{starts_at.partition('T')[2] or '00:00'}"
