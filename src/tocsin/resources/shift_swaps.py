"""Swaps of shifts: somebody asks to be on call less, and somebody else takes it over. One that is taken
is carried out by overrides, so that whoever asks who is on call need know of no swaps."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.model import Fault, uuid7
from tocsin.oncall.resolve import resolve
from tocsin.oncall.schedule import OverrideKind
from tocsin.oncall.spans import Span
from tocsin.oncall.validation import span_faults
from tocsin.resources import recording, schedule_overrides
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import Id, Input, Output, Text, Time, example
from tocsin.resources.owned import owned, require
from tocsin.resources.schedules import load, require_members
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.schedules import overrides_of_swap
from tocsin.store.tables import ShiftSwap, StoredOverride, StoredSchedule


class SwapKind(StrEnum):
    GIVE = "give"
    EXCHANGE = "exchange"


class SwapState(StrEnum):
    OPEN = "open"
    TAKEN = "taken"
    CANCELED = "canceled"
    PAST_DUE = "past_due"


StoredState = Literal["open", "taken", "canceled"]


class SwapIn(Input):
    schedule_id: Id
    kind: Annotated[
        SwapKind, Field(description="give: away; exchange: for a time of whoever takes it")
    ] = SwapKind.GIVE
    user_id: Annotated[Id, Field(description="Whose time it is")]
    starts_at: Time
    ends_at: Time
    comment: Text = ""

    model_config = example(
        {
            "schedule_id": "0199b4a2-0000-7000-8000-0000000000e5",
            "user_id": "0199b4a2-0000-7000-8000-0000000000aa",
            "starts_at": "2035-12-24T09:00:00Z",
            "ends_at": "2035-12-25T09:00:00Z",
        }
    )


class SwapTaken(Input):
    user_id: Annotated[Id, Field(description="Who takes it")]
    return_starts_at: Annotated[
        Time | None, Field(description="Of an exchange: the time that is given in return")
    ] = None
    return_ends_at: Time | None = None

    model_config = example({"user_id": "0199b4a2-0000-7000-8000-0000000000aa"})


class SwapOut(Output):
    id: Id
    workspace_id: Id
    schedule_id: Id
    kind: SwapKind
    state: Annotated[
        SwapState, Field(description="past_due: its start has passed and nobody took it")
    ]
    user_id: Id
    starts_at: Time
    ends_at: Time
    taken_by: Id | None
    return_starts_at: Time | None
    return_ends_at: Time | None
    comment: str
    created_at: Time
    updated_at: Time


def show(row: ShiftSwap, now: datetime) -> SwapOut:
    state = SwapState(row.state)
    if state is SwapState.OPEN and row.starts_at <= now:
        state = SwapState.PAST_DUE
    values = {name: getattr(row, name) for name in SwapOut.model_fields if name != "state"}
    return SwapOut(**values, state=state)


def _kind(now: datetime) -> recording.Kind:
    return recording.Kind("shift_swap", lambda row: show(row, now).document())


async def create(
    session: DatabaseSession, caller: Principal, body: SwapIn, now: datetime
) -> ShiftSwap:
    """Asks for somebody to take it. Until then nothing changes.

    Raises:
        MissingReference: the schedule or the user is not there.
        InvalidRequest: the user is not on call then, or it has begun.
    """
    await require(session, StoredSchedule, caller, body.schedule_id, "/schedule_id")
    await require_members(session, caller, {body.user_id: "/user_id"})
    span = Span(body.starts_at, body.ends_at)
    faults = span_faults(span)
    if body.starts_at <= now:
        faults.append(Fault("/starts_at", "in-the-past", "must be later than now"))
    if not faults and not await _is_on_call(session, caller, body.schedule_id, body.user_id, span):
        faults.append(Fault("/starts_at", "not-on-call", "the user is not on call in this time"))
    if faults:
        raise InvalidRequest(faults)
    row = ShiftSwap(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        schedule_id=body.schedule_id,
        kind=body.kind.value,
        state=SwapState.OPEN.value,
        user_id=body.user_id,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        comment=body.comment,
        created_at=now,
        updated_at=now,
    )
    await recording.create(session, caller, _kind(now), row, now)
    return row


async def _is_on_call(
    session: DatabaseSession, caller: Principal, schedule_id: UUID, user_id: UUID, span: Span
) -> bool:
    schedule = await load(session, caller, schedule_id, *span)
    return any(shift.user == user_id for shift in resolve(schedule, *span))


async def take(
    session: DatabaseSession, caller: Principal, swap_id: UUID, body: SwapTaken, now: datetime
) -> ShiftSwap:
    """Carries it out.

    Raises:
        NotInWorkspace: there is none.
        MissingReference: the user is not there.
        InvalidRequest: it is not open any more, or what is given in return cannot be.
    """
    row = await owned(session, ShiftSwap, caller, swap_id, lock=True)
    state = show(row, now).state
    if state is not SwapState.OPEN:
        raise InvalidRequest([Fault("", "not-open", f"it is {state.replace('_', ' ')}, not open")])
    await require_members(session, caller, {body.user_id: "/user_id"})
    if body.user_id == row.user_id:
        raise InvalidRequest([Fault("/user_id", "same-user", "nobody takes their own")])
    in_return = await _return_span(session, caller, row, body, now)
    async with recording.changing(session, caller, _kind(now), row, now, action="taken"):
        row.state = SwapState.TAKEN.value
        row.taken_by = body.user_id
        if in_return is not None:
            row.return_starts_at, row.return_ends_at = in_return
    own = Span(row.starts_at, row.ends_at)
    await _carry_out(session, caller, row, own, row.user_id, body.user_id, now)
    if in_return is not None:
        await _carry_out(session, caller, row, in_return, body.user_id, row.user_id, now)
    return row


async def _return_span(
    session: DatabaseSession, caller: Principal, row: ShiftSwap, body: SwapTaken, now: datetime
) -> Span | None:
    """What whoever takes it gives in return; None where it is given away."""
    starts_at, ends_at = body.return_starts_at, body.return_ends_at
    if row.kind == SwapKind.GIVE:
        if starts_at is None and ends_at is None:
            return None
        words = "it is given away; nothing is given in return"
        raise InvalidRequest([Fault("/return_starts_at", "not-taken", words)])
    if starts_at is None or ends_at is None:
        words = "an exchange needs return_starts_at and return_ends_at"
        raise InvalidRequest([Fault("/return_starts_at", "required", words)])
    span, own = Span(starts_at, ends_at), Span(row.starts_at, row.ends_at)
    faults = []
    if ends_at <= starts_at or starts_at <= now:
        words = "must be later than now, and its end later than its start"
        faults.append(Fault("/return_starts_at", "before-start", words))
    elif span.starts_at < own.ends_at and own.starts_at < span.ends_at:
        words = "must not overlap what it is exchanged for"
        faults.append(Fault("/return_starts_at", "overlaps", words))
    elif span_faults(span):
        faults.append(Fault("/return_ends_at", "too-long", "is too long"))
    elif not await _is_on_call(session, caller, row.schedule_id, body.user_id, span):
        words = "whoever takes it is not on call in this time"
        faults.append(Fault("/return_starts_at", "not-on-call", words))
    if faults:
        raise InvalidRequest(faults)
    return span


async def _carry_out(
    session: DatabaseSession,
    caller: Principal,
    swap: ShiftSwap,
    span: Span,
    leaves: UUID,
    comes: UUID,
    now: datetime,
) -> None:
    override = StoredOverride(
        id=uuid7(),
        workspace_id=swap.workspace_id,
        schedule_id=swap.schedule_id,
        layer_id=None,
        kind=OverrideKind.REPLACE.value,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        user_id=leaves,
        substitute_user_id=comes,
        shift_swap_id=swap.id,
        comment=swap.comment,
        author=caller.name,
        created_at=now,
        updated_at=now,
    )
    await schedule_overrides.create(session, caller, override, now)


async def cancel(
    session: DatabaseSession, caller: Principal, swap_id: UUID, now: datetime
) -> ShiftSwap:
    """Nobody can take it any more; of one that was taken, what is not over is undone. One that is
    canceled stays as it is.

    Raises:
        NotInWorkspace: there is none.
    """
    row = await owned(session, ShiftSwap, caller, swap_id, lock=True)
    async with recording.changing(session, caller, _kind(now), row, now, action="canceled"):
        row.state = SwapState.CANCELED.value
        row.taken_by = None
    for override in await overrides_of_swap(session, row.id):
        if override.ends_at > now:
            await schedule_overrides.end_row(session, caller, override, now)
    return row
