"""Schedules: who is on call now. The page of one is in `schedule_page`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import page
from tocsin.console.getting_in.door import Call, opened
from tocsin.console.on_call.schedule_page import show_schedule
from tocsin.model import Role
from tocsin.oncall.resolve import Shift
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.resources import schedules
from tocsin.resources.schedule_shapes import ShiftOut
from tocsin.resources.shifts import FARTHEST_LOOK, names_in, shown_shift, until_their_ends
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.schedules import schedules_of


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/schedules", opened(context, _list), methods=["GET"]),
        Route(
            "/schedules/{id:uuid}",
            opened(context, show_schedule, role=Role.RESPONDER),
            methods=["GET", "POST"],
        ),
    ]


@dataclass(frozen=True, slots=True)
class OnCallLine:
    """A schedule with whoever is on call, each until the shift ends, and who comes when the first of
    them goes."""

    id: UUID
    name: str
    shifts: Sequence[ShiftOut]
    then: Sequence[ShiftOut] = ()


async def on_call_now(
    session: DatabaseSession, workspace_id: UUID, now: datetime
) -> list[OnCallLine]:
    """Of every schedule of the workspace."""
    rows = await schedules_of(session, workspace_id)
    loaded = await schedules.load_all(
        session, workspace_id, [row.id for row in rows], now, now + FARTHEST_LOOK
    )
    lasting = {row.id: until_their_ends(loaded[row.id], now) for row in rows}
    coming = {row.id: _coming(loaded[row.id], lasting[row.id]) for row in rows}
    named = (*lasting.values(), *coming.values())
    names = await names_in(session, (each for found in named for each in found))

    def shown(id: UUID, found: Sequence[Shift]) -> list[ShiftOut]:
        return [shown_shift(each, loaded[id], names) for each in found]

    return [
        OnCallLine(row.id, row.name, shown(row.id, lasting[row.id]), shown(row.id, coming[row.id]))
        for row in rows
    ]


def _coming(schedule: OnCallSchedule, lasting: Sequence[Shift]) -> Sequence[Shift]:
    """Who is on call when the first of these shifts is over, and is not yet."""
    if not lasting:
        return ()
    end = min(each.ends_at for each in lasting)
    now = {each.user for each in lasting}
    return [each for each in until_their_ends(schedule, end) if each.user not in now]


async def _list(call: Call) -> Response:
    async with call.context.reading() as session:
        lines = await on_call_now(session, call.visitor.workspace_id, call.now)
    return page(
        "schedules.html", call.frame("schedules"), lines=lines, may_change=call.may(Role.ADMIN)
    )
