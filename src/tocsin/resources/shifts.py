"""The shifts of schedules, and who is on call, with the names of people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.model import Fault
from tocsin.oncall.cause_words import layer_name
from tocsin.oncall.resolve import Shift, gaps, resolve
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.oncall.spans import Span
from tocsin.oncall.validation import is_too_much, span_faults
from tocsin.resources import schedules
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.owned import owned
from tocsin.resources.schedule_previews import shown_spans
from tocsin.resources.schedule_shapes import CauseOut, ShiftOut, ShiftsOut
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.schedules import names_of
from tocsin.store.tables import StoredSchedule

FARTHEST_LOOK = timedelta(days=400)
_LOOKS = (timedelta(days=1), timedelta(days=9), timedelta(days=62), FARTHEST_LOOK)
"""How far the end of a shift is looked for, farther as long as it is not found."""


def shown_shift(shift: Shift, schedule: OnCallSchedule, names: Mapping[UUID, str]) -> ShiftOut:
    cause = shift.cause
    who = shift.user or shift.destination
    return ShiftOut(
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        user_id=shift.user,
        destination_id=shift.destination,
        name="" if who is None else names.get(who, ""),
        cause=CauseOut(
            kind=cause.kind,
            layer_id=cause.layer,
            layer=None if cause.layer is None else layer_name(cause, schedule),
            turn=None if cause.turn is None else cause.turn + 1,
            override_id=cause.override,
            swap_id=cause.swap,
            instead_of_user_id=cause.instead_of,
        ),
    )


async def names_in(session: DatabaseSession, shifts: Iterable[Shift]) -> Mapping[UUID, str]:
    ids = {each for shift in shifts for each in (shift.user, shift.destination) if each is not None}
    return await names_of(session, ids)


async def shifts_of(
    session: DatabaseSession, caller: Principal, schedule_id: UUID, span: Span
) -> ShiftsOut:
    """The shifts of a time, and its gaps.

    Raises:
        NotInWorkspace: there is no such schedule.
        InvalidRequest: the time is too long.
    """
    row = await owned(session, StoredSchedule, caller, schedule_id)
    faults = [
        Fault(f"/query/{'to' if each.pointer == '/ends_at' else 'from'}", each.code, each.message)
        for each in span_faults(span)
    ]
    if faults:
        raise InvalidRequest(faults)
    schedule = await schedules.load(session, caller, schedule_id, *span)
    if is_too_much(schedule, span):
        raise InvalidRequest([Fault("/query/to", "too-many-shifts", "ask for a shorter time")])
    found = resolve(schedule, *span)
    names = await names_in(session, found)
    return ShiftsOut(
        timezone=row.timezone,
        items=[shown_shift(each, schedule, names) for each in found],
        gaps=shown_spans(gaps(schedule, found, span)),
    )


def until_their_ends(schedule: OnCallSchedule, at: datetime) -> Sequence[Shift]:
    """Whoever is on call at a time, each shift from then to its end."""
    lasting: list[Shift] = []
    for look in _LOOKS:
        lasting = [each for each in resolve(schedule, at, at + look) if each.starts_at == at]
        if all(each.ends_at < at + look for each in lasting):
            break
    return lasting
