"""Overrides: what is changed by hand in a schedule, for a time. One that is over stays on record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.model import Fault, uuid7
from tocsin.oncall.resolve import resolve
from tocsin.oncall.schedule import OnCallSchedule, Override, OverrideKind
from tocsin.oncall.spans import Span
from tocsin.oncall.validation import OVERRIDES_LIMIT, span_faults
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import Id, Input, Output, Text, Time, example
from tocsin.resources.owned import owned
from tocsin.resources.schedules import load, require_members
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.schedules import count_overrides
from tocsin.store.tables import StoredOverride, StoredSchedule

_SHIFT_LOOK = timedelta(days=62)
"""How far from a moment the ends of its shift are looked for."""


class OverrideIn(Input):
    kind: Annotated[
        OverrideKind,
        Field(
            description="replace: user_id by substitute_user_id, where the first is on call; add: one "
            "more; remove: user_id is not on call; cover: substitute_user_id instead of everybody"
        ),
    ]
    starts_at: Annotated[
        Time | None, Field(description="Null: now, or with shift_at its start")
    ] = None
    ends_at: Annotated[Time | None, Field(description="Null: with shift_at the end of it")] = None
    user_id: Annotated[Id | None, Field(description="Who leaves")] = None
    substitute_user_id: Annotated[Id | None, Field(description="Who comes")] = None
    layer_id: Annotated[Id | None, Field(description="Null: the whole schedule")] = None
    shift_at: Annotated[
        Time | None,
        Field(description="The one shift that lasts then, of user_id, or else of the layer"),
    ] = None
    comment: Text = ""

    model_config = example(
        {
            "kind": "cover",
            "starts_at": "2035-12-24T09:00:00Z",
            "ends_at": "2035-12-25T09:00:00Z",
            "substitute_user_id": "0199b4a2-0000-7000-8000-0000000000aa",
            "comment": "Christmas",
        }
    )


class OverrideOut(Output):
    id: Id
    workspace_id: Id
    schedule_id: Id
    kind: OverrideKind
    starts_at: Time
    ends_at: Time
    user_id: Id | None
    substitute_user_id: Id | None
    layer_id: Id | None
    swap_id: Annotated[Id | None, Field(description="The swap that it carries out")]
    comment: str
    author: str
    created_at: Time
    updated_at: Time


def show(row: StoredOverride) -> OverrideOut:
    return OverrideOut(
        id=row.id,
        workspace_id=row.workspace_id,
        schedule_id=row.schedule_id,
        kind=OverrideKind(row.kind),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        user_id=row.user_id,
        substitute_user_id=row.substitute_user_id,
        layer_id=row.layer_id,
        swap_id=row.shift_swap_id,
        comment=row.comment,
        author=row.author,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


KIND = recording.Kind("schedule_override", lambda row: show(row).document())


async def make(
    session: DatabaseSession,
    caller: Principal,
    schedule_id: UUID,
    body: OverrideIn,
    now: datetime,
) -> StoredOverride:
    """An override as it is asked for, yet to be stored.

    Raises:
        NotInWorkspace: there is no such schedule.
        InvalidRequest: something in it cannot be.
        MissingReference: a user that it names is not there.
    """
    schedule_row = await owned(session, StoredSchedule, caller, schedule_id)
    _check_who(body)
    known_layers = {UUID(layer["id"]) for layer in schedule_row.layers}
    if body.layer_id is not None and body.layer_id not in known_layers:
        raise InvalidRequest([Fault("/layer_id", "unknown", "the schedule has no such layer")])
    span = Span(body.starts_at or now, body.ends_at or now)
    if body.shift_at is not None:
        span = await _shift(session, caller, schedule_id, body, now)
    elif body.ends_at is None:
        raise InvalidRequest([Fault("/ends_at", "required", "say when it ends, or give shift_at")])
    if faults := span_faults(span):
        raise InvalidRequest(faults)
    if span.ends_at <= now:
        raise InvalidRequest([Fault("/ends_at", "in-the-past", "it would be over already")])
    users = {
        user: pointer
        for user, pointer in (
            (body.user_id, "/user_id"),
            (body.substitute_user_id, "/substitute_user_id"),
        )
        if user is not None
    }
    await require_members(session, caller, users)
    return StoredOverride(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        schedule_id=schedule_id,
        layer_id=body.layer_id,
        kind=body.kind.value,
        # The past stays as it was.
        starts_at=max(span.starts_at, now),
        ends_at=span.ends_at,
        user_id=body.user_id,
        substitute_user_id=body.substitute_user_id,
        shift_swap_id=None,
        comment=body.comment,
        author=caller.name,
        created_at=now,
        updated_at=now,
    )


def _check_who(body: OverrideIn) -> None:
    leaves = body.kind in (OverrideKind.REPLACE, OverrideKind.REMOVE)
    comes = body.kind is not OverrideKind.REMOVE
    faults = []
    for name, value, wanted in (
        ("user_id", body.user_id, leaves),
        ("substitute_user_id", body.substitute_user_id, comes),
    ):
        if wanted and value is None:
            faults.append(Fault(f"/{name}", "required", f"{body.kind} needs it"))
        elif value is not None and not wanted and (name != "user_id" or body.shift_at is None):
            faults.append(Fault(f"/{name}", "not-taken", f"{body.kind} does not take it"))
    if leaves and comes and body.user_id is not None and body.user_id == body.substitute_user_id:
        words = "must be somebody else than user_id"
        faults.append(Fault("/substitute_user_id", "same-user", words))
    if faults:
        raise InvalidRequest(faults)


async def _shift(
    session: DatabaseSession, caller: Principal, schedule_id: UUID, body: OverrideIn, now: datetime
) -> Span:
    """The shift that lasts at `shift_at`."""
    assert body.shift_at is not None
    around = Span(body.shift_at - _SHIFT_LOOK, body.shift_at + _SHIFT_LOOK)
    schedule = await load(session, caller, schedule_id, *around)
    for shift in resolve(schedule, *around):
        is_asked = (body.user_id is None or shift.user == body.user_id) and (
            body.layer_id is None or shift.cause.layer == body.layer_id
        )
        if shift.starts_at <= body.shift_at < shift.ends_at and is_asked and shift.user:
            return Span(body.starts_at or shift.starts_at, body.ends_at or shift.ends_at)
    words = "there is no such shift then"
    raise InvalidRequest([Fault("/shift_at", "no-shift", words)])


def as_override(row: StoredOverride) -> Override:
    return Override(
        row.id,
        OverrideKind(row.kind),
        row.starts_at,
        row.ends_at,
        row.user_id,
        row.substitute_user_id,
        row.layer_id,
        row.shift_swap_id,
    )


async def create(
    session: DatabaseSession, caller: Principal, row: StoredOverride, now: datetime
) -> None:
    """Stores an override that `make` made.

    Raises:
        InvalidRequest: the schedule has as many as it may have.
    """
    if await count_overrides(session, row.schedule_id, now) >= OVERRIDES_LIMIT:
        words = f"the schedule has {OVERRIDES_LIMIT} overrides that are not over; remove some"
        raise InvalidRequest([Fault("", "too-many", words)])
    await recording.create(session, caller, KIND, row, now)


async def end(
    session: DatabaseSession, caller: Principal, override_id: UUID, now: datetime
) -> None:
    """One that lasts ends now, one that has not begun is deleted, one that is over stays.

    Raises:
        NotInWorkspace: there is none.
        InvalidRequest: a swap made it.
    """
    row = await owned(session, StoredOverride, caller, override_id, lock=True)
    if row.shift_swap_id is not None:
        words = "a swap made it; cancel the swap"
        raise InvalidRequest([Fault("", "of-a-swap", words)])
    await end_row(session, caller, row, now)


async def end_row(
    session: DatabaseSession, caller: Principal, row: StoredOverride, now: datetime
) -> None:
    if row.starts_at >= now:
        await recording.delete(session, caller, KIND, row, now)
        return
    async with recording.changing(session, caller, KIND, row, now, action="ended"):
        row.ends_at = min(row.ends_at, now)


def with_override(schedule: OnCallSchedule, row: StoredOverride) -> OnCallSchedule:
    """The schedule as it would be with it."""
    return OnCallSchedule(schedule.id, schedule.versions, (*schedule.overrides, as_override(row)))
