"""One schedule: the lanes of its layers and of who is on call in the end, the same as a list, and the
form by which somebody takes over, with its effect in words before it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from tocsin.console.frame.render import go, local_input, page
from tocsin.console.getting_in.door import Call, absent
from tocsin.console.on_call.schedule_acts import ChangeByHand, act_on_one, change_by_hand
from tocsin.console.on_call.schedule_periods import CalendarView, Period, period_of
from tocsin.console.on_call.schedule_reading import ShownSchedule, read_schedule
from tocsin.console.on_call.schedule_rows import agenda, by_hand, clocks_differ, lanes, span_words
from tocsin.model import Role
from tocsin.store import workspace_rows
from tocsin.store.tables import StoredSchedule

_FIELDS = ("substitute_user_id", "user_id", "layer_id", "starts_at", "ends_at", "comment")
_SEVERAL = {"undo", "take", "cancel"}
_STEPS = {
    CalendarView.DAY: 15,
    CalendarView.WEEK: 60,
    CalendarView.MONTH: 360,
    CalendarView.AGENDA: 60,
}
"""How many minutes the ends of a time move at once that is chosen on the lanes."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """A way on to other days. `key` is the one that goes there."""

    name: str
    icon: str
    address: str
    key: str


async def show_schedule(call: Call) -> Response:
    schedule_id = call.request.path_params["id"]
    async with call.context.reading() as session:
        row = await workspace_rows.find(
            session, StoredSchedule, call.visitor.workspace_id, schedule_id
        )
        if row is None:
            return absent(call, "schedule", ("/schedules", "All schedules"))
        query = call.request.query_params
        zone = ZoneInfo(row.timezone)
        given = {name: _local(query[name][:100], row.timezone) for name in _FIELDS if name in query}
        begin = query.get("from", given.get("starts_at", "")[:10])
        period = period_of(query.get("view", ""), begin, call.now, zone)
        if call.request.method == "GET":
            seen = await read_schedule(session, call, row, period)
            return _shown(call, seen, period, given, ChangeByHand())
    values = dict(await call.form())
    if values.get("act") in _SEVERAL:
        return go(_back(call, period), await act_on_one(call, values))
    change = await change_by_hand(call, schedule_id, row.timezone, values)
    if change.said:
        undo = {"undo": change.override_id} if change.override_id is not None else {}
        return go(_back(call, period, **undo), change.said)
    async with call.context.reading() as session:
        seen = await read_schedule(session, call, row, period)
    return _shown(call, seen, period, values, change)


def _local(text: str, timezone: str) -> str:
    """A moment that a link names, as a field has it; all else as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if at.tzinfo is None else local_input(at, timezone)


def _is_in(period: Period, at: datetime) -> bool:
    begin, end = period.span
    return begin <= at < end


def _back(call: Call, period: Period, **values: object) -> str:
    return f"{call.request.url.path}{period.address(**values)}"


def _shown(
    call: Call,
    seen: ShownSchedule,
    period: Period,
    given: Mapping[str, str],
    change: ChangeByHand,
) -> Response:
    viewer = call.visitor.timezone
    others = viewer if clocks_differ(period, viewer) else None
    return page(
        "schedule.html",
        call.frame("schedules"),
        HTTPStatus.UNPROCESSABLE_ENTITY if change.faults else HTTPStatus.OK,
        row=seen.row,
        seen=seen,
        period=period,
        span_words=span_words,
        views=[(each.value, period.address(view=each.value)) for each in CalendarView],
        beside=_beside(period),
        marks=period.marks(call.now),
        weekends=period.weekends(),
        now_x=period.at(call.now) if _is_in(period, call.now) else None,
        now_words=f"{call.now.astimezone(period.zone):%H:%M}",
        step=_STEPS[period.view],
        lanes=lanes(seen, period, call.now, others, change.tried),
        agenda=agenda(seen, period, call.now, call.visitor.user_id, others),
        other_zone=others,
        values=_usual(call, seen, given) | dict(given),
        is_chosen="starts_at" in given,
        faults=change.faults,
        tried=change.tried,
        by_hand=by_hand(seen),
        own=[each for each in (*seen.now, *seen.ahead) if each.user_id == call.visitor.user_id][:8],
        may_act=call.may(Role.RESPONDER),
        may_change=call.may(Role.ADMIN),
        undo=_undo(call, period),
    )


def _beside(period: Period) -> list[_Beside]:
    return [
        _Beside("Before", "chevron-left", period.address(**{"from": period.previous}), "["),
        _Beside("Today", "", f"?view={period.view.value}", "t"),
        _Beside("After", "chevron-right", period.address(**{"from": period.next}), "]"),
    ]


def _usual(call: Call, seen: ShownSchedule, given: Mapping[str, str]) -> dict[str, str]:
    """From now until whoever is on call is relieved, by who looks; of one's own time, by another."""
    ends_at = min((each.ends_at for each in seen.now), default=None) or _later(seen, call.now)
    comes = own = str(call.visitor.user_id)
    if given.get("user_id") == own:
        comes = next((id for id, _ in seen.people if id != own), own)
    return {
        "starts_at": local_input(call.now, seen.row.timezone),
        "ends_at": local_input(ends_at, seen.row.timezone),
        "user_id": "",
        "layer_id": "",
        "substitute_user_id": comes,
        "comment": "",
    }


def _later(seen: ShownSchedule, now: datetime) -> datetime:
    return min((each.starts_at for each in seen.ahead), default=now)


def _undo(call: Call, period: Period) -> dict[str, Any] | None:
    """Of the override that was made just now."""
    id = call.request.query_params.get("undo", "")
    if not id or not call.said:
        return None
    return {"address": _back(call, period), "fields": [("act", "undo"), ("id", id)]}
