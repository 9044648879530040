"""What the page of a schedule shows of it, read in one go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tocsin.console.getting_in.door import Call
from tocsin.console.on_call.schedule_periods import Period
from tocsin.console.on_call.schedule_shifts import looked_at, shifts_to_show, turns_to_show
from tocsin.oncall.resolve import CauseKind, Shift
from tocsin.oncall.spans import Span
from tocsin.oncall.workload import Workload, workloads
from tocsin.resources import schedules, shift_swaps
from tocsin.resources.schedule_shapes import ShiftOut
from tocsin.resources.shift_swaps import SwapOut, SwapState
from tocsin.resources.shifts import shown_shift, until_their_ends
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest
from tocsin.store.queries.schedules import names_of, page_of_overrides, page_of_swaps
from tocsin.store.queries.users import page_of_users
from tocsin.store.tables import StoredOverride, StoredSchedule

_MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class ShownLayer:
    """A layer as it is configured now, and its turns in the period, be they overridden or not."""

    document: Mapping[str, Any]
    shifts: Sequence[ShiftOut]


@dataclass(frozen=True, slots=True)
class ShownSchedule:
    """`shifts`, `gaps` and `workloads` are of the period. `now` is whoever is on call, each until the
    shift ends; `ahead` are the shifts that begin later, `gaps_ahead` the gaps of the next 60 days.
    `overrides` are those that are not over, or fall into the period."""

    row: StoredSchedule
    shifts: Sequence[ShiftOut]
    gaps: Sequence[Span]
    layers: Sequence[ShownLayer]
    overrides: Sequence[StoredOverride]
    swaps: Sequence[SwapOut]
    now: Sequence[ShiftOut]
    ahead: Sequence[ShiftOut]
    gaps_ahead: Sequence[Span]
    workloads: Sequence[Workload]
    names: Mapping[UUID, str]
    people: Sequence[tuple[str, str]]

    def name(self, id: UUID | None) -> str:
        return "" if id is None else self.names.get(id, "somebody who has left")


async def read_schedule(
    session: DatabaseSession, call: Call, row: StoredSchedule, period: Period
) -> ShownSchedule:
    begin, end = period.span
    loaded = await schedules.load(
        session, call.visitor.principal, row.id, *looked_at(period.span, call.now)
    )
    found = shifts_to_show(loaded, period.span, call.now)
    layers = [
        (document, turns_to_show(loaded, UUID(document["id"]), period.span))
        for document in row.layers
    ]
    lasting = found.lasting
    if lasting is None:
        lasting = until_their_ends(loaded, call.now)
    changed = await page_of_overrides(
        session, row.id, PageRequest(_MOST_LISTED), is_over=None, now=call.now
    )
    asked = await page_of_swaps(
        session,
        call.visitor.workspace_id,
        PageRequest(_MOST_LISTED),
        schedule_id=row.id,
        user_id=None,
        state=SwapState.OPEN.value,
    )
    people = await page_of_users(
        session,
        call.visitor.workspace_id,
        PageRequest(200),
        q=None,
        role=None,
        is_active=True,
    )
    overrides = [
        each
        for each in changed.rows
        if each.ends_at > call.now or (each.starts_at < end and each.ends_at > begin)
    ]
    swaps = [shift_swaps.show(each, call.now) for each in asked.rows]
    every = [*found.shifts, *lasting, *found.coming, *(each for _, own in layers for each in own)]
    names = await names_of(session, _ids(row, overrides, swaps, every))

    def shown(each: Shift) -> ShiftOut:
        return shown_shift(each, loaded, names)

    return ShownSchedule(
        row=row,
        shifts=[shown(each) for each in found.shifts],
        gaps=found.gaps,
        layers=[
            ShownLayer(document, [shown(each) for each in own if each.ends_at > begin])
            for document, own in layers
        ],
        overrides=overrides,
        swaps=[each for each in swaps if each.state is SwapState.OPEN],
        now=[shown(each) for each in lasting],
        ahead=[shown(each) for each in found.coming],
        gaps_ahead=found.gaps_ahead,
        workloads=workloads(found.followed, period.days, period.zone),
        names=names,
        people=sorted(
            ((str(each.id), each.name) for each in people.rows), key=lambda each: each[1].lower()
        ),
    )


def _ids(
    row: StoredSchedule,
    overrides: Sequence[StoredOverride],
    swaps: Sequence[SwapOut],
    shifts: Sequence[Shift],
) -> set[UUID]:
    """Of everybody and everything that is named."""
    found = {row.fallback_user_id, row.fallback_destination_id}
    for shift in shifts:
        found |= {shift.user, shift.destination, shift.cause.instead_of}
    for override in overrides:
        found |= {override.user_id, override.substitute_user_id}
    found |= {each.user_id for each in swaps}
    return {each for each in found if each is not None}


def is_somebodys(shift: ShiftOut) -> bool:
    """Whether it is a shift, and not what a fallback stands in for."""
    return shift.cause.kind is not CauseKind.FALLBACK
