"""Schedules: who is on call, in layers that rotate. A change begins a version; what was before stays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.model import Fault, TargetKind, uuid7
from tocsin.oncall.documents import layer_document, layer_from, schedule_from
from tocsin.oncall.schedule import OnCallSchedule, ScheduleVersion
from tocsin.oncall.validation import handoff_day_fault, layer_faults
from tocsin.oncall.versions import (
    following,
    next_handoff,
    version_at,
    with_version,
    without_user,
)
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest, MissingReference, NotInWorkspace, StillNeeded
from tocsin.resources.owned import owned, require
from tocsin.resources.schedule_shapes import (
    ChangeTime,
    FallbackIn,
    FallbackOut,
    LayerIn,
    LayerOut,
    ScheduleIn,
    ScheduleOut,
    SchedulePatch,
)
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.escalation_policies import policies_naming
from tocsin.store.queries.schedules import (
    begin_version,
    members_among,
    open_swaps_of,
    overrides_naming,
    read_schedules,
    schedules_of,
)
from tocsin.store.tables import AlertDestination, StoredSchedule

LOOK_AHEAD = timedelta(days=400)
"""What is planned for later than this is not looked at; no shift lasts as long."""

_MOST_NAMED = 5


def show(row: StoredSchedule) -> ScheduleOut:
    has_fallback = row.fallback_user_id or row.fallback_destination_id
    return ScheduleOut(
        id=row.id,
        workspace_id=row.workspace_id,
        name=row.name,
        timezone=row.timezone,
        fallback=FallbackOut(
            user_id=row.fallback_user_id, destination_id=row.fallback_destination_id
        )
        if has_fallback
        else None,
        layers=[LayerOut.model_validate(each) for each in row.layers],
        effective_from=row.effective_from,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


KIND = recording.Kind("schedule", lambda row: show(row).document())


async def load(
    session: DatabaseSession,
    caller: Principal,
    schedule_id: UUID,
    since: datetime,
    until: datetime,
) -> OnCallSchedule:
    """A schedule as it holds in this time.

    Raises:
        NotInWorkspace: there is none.
    """
    found = await load_all(session, caller.workspace_id, [schedule_id], since, until)
    if schedule_id not in found:
        raise NotInWorkspace("schedule")
    return found[schedule_id]


async def load_all(
    session: DatabaseSession,
    workspace_id: UUID,
    schedule_ids: Collection[UUID],
    since: datetime,
    until: datetime,
) -> Mapping[UUID, OnCallSchedule]:
    """The same of several, those of the workspace."""
    rows = await read_schedules(session, schedule_ids, since, until)
    return {
        row.id: schedule_from(row.id, row.versions, row.overrides)
        for row in rows
        if row.workspace_id == workspace_id
    }


def make(caller: Principal, body: ScheduleIn, now: datetime) -> StoredSchedule:
    """A schedule as it is asked for, yet to be stored.

    Raises:
        InvalidRequest: something in it cannot be.
    """
    row = StoredSchedule(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        name=body.name,
        timezone=body.timezone,
        layers=_layers(body.layers, ()),
        effective_from=now,
        created_at=now,
        updated_at=now,
        **_fallback(body.fallback),
    )
    _check(row)
    return row


def _fallback(fallback: FallbackIn | None) -> dict[str, UUID | None]:
    given = fallback or FallbackIn()
    return {
        "fallback_user_id": given.user_id,
        "fallback_destination_id": given.destination_id,
    }


def _layers(layers: Sequence[LayerIn], before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As documents. A layer is the one of its id, else of its name, else new.

    Raises:
        InvalidRequest: an id or the day of a hand-over cannot be.
    """
    faults = []
    known = {each["id"] for each in before}
    by_name = {each["name"]: each["id"] for each in before}
    taken = {str(layer.id) for layer in layers if layer.id is not None}
    made = []
    for number, layer in enumerate(layers):
        place = f"/layers/{number}"
        own_id = str(layer.id or uuid7())
        if layer.id is None and by_name.get(layer.name) not in (None, *taken):
            own_id = by_name[layer.name]
            taken.add(own_id)
        if layer.id is not None and own_id not in known:
            faults.append(Fault(f"{place}/id", "unknown", "the schedule has no such layer"))
        day = layer.rotation.handoff_day
        fault = handoff_day_fault(layer.rotation.unit, day, f"{place}/rotation")
        if fault is not None:
            faults.append(fault)
            continue
        # Read and written, so that what is stored is always of one form.
        made.append(layer_document(layer_from({**layer.model_dump(mode="json"), "id": own_id})))
    if faults:
        raise InvalidRequest(faults)
    return made


def _check(row: StoredSchedule) -> None:
    faults = layer_faults([layer_from(each) for each in row.layers])
    if row.fallback_user_id is not None and row.fallback_destination_id is not None:
        words = "a fallback is a user or a destination, not both"
        faults.append(Fault("/fallback", "two-fallbacks", words))
    if faults:
        raise InvalidRequest(faults)


async def check_references(
    session: DatabaseSession, caller: Principal, row: StoredSchedule
) -> None:
    """Makes sure of whom and what a schedule names.

    Raises:
        MissingReference: a user or destination that it names is not there.
    """
    pointers: dict[UUID, str] = {}
    for number, layer in enumerate(row.layers):
        for turn, entry in enumerate(layer["participants"]):
            for place, user in enumerate(entry or ()):
                pointer = f"/layers/{number}/participants/{turn}/{place}"
                pointers.setdefault(UUID(user), pointer)
    if row.fallback_user_id is not None:
        pointers.setdefault(row.fallback_user_id, "/fallback/user_id")
    await require_members(session, caller, pointers)
    if row.fallback_destination_id is not None:
        await require(
            session,
            AlertDestination,
            caller,
            row.fallback_destination_id,
            "/fallback/destination_id",
        )


async def require_members(
    session: DatabaseSession, caller: Principal, pointers: Mapping[UUID, str]
) -> None:
    """Makes sure of users that a request names, each with its place there.

    Raises:
        MissingReference: one is no member of the workspace.
    """
    if not pointers:
        return
    known = await members_among(session, caller.workspace_id, pointers)
    for user, pointer in pointers.items():
        if user not in known:
            raise MissingReference("user", pointer)


async def create(
    session: DatabaseSession, caller: Principal, row: StoredSchedule, now: datetime
) -> None:
    """Stores a schedule that `make` made.

    Raises:
        MissingReference: a user or destination that it names is not there.
        NameTaken: another has its name.
    """
    await check_references(session, caller, row)
    await recording.create(session, caller, KIND, row, now)
    await begin_version(session, row)


async def update(
    session: DatabaseSession,
    caller: Principal,
    schedule_id: UUID,
    body: SchedulePatch,
    now: datetime,
) -> StoredSchedule:
    """Begins a new version where it differs in more than its name.

    Raises:
        NotInWorkspace: there is none.
        InvalidRequest, MissingReference, NameTaken: as for a new one.
    """
    row = await owned(session, StoredSchedule, caller, schedule_id, lock=True)
    before = await load(session, caller, schedule_id, now, now + LOOK_AHEAD)
    async with recording.changing(session, caller, KIND, row, now):
        version = await _change(session, caller, row, body, before, now)
    if version is not None:
        await begin_version(session, row)
    return row


async def _change(
    session: DatabaseSession,
    caller: Principal,
    row: StoredSchedule,
    body: SchedulePatch,
    schedule: OnCallSchedule,
    now: datetime,
) -> ScheduleVersion | None:
    """Sets on the row what the request asks for; the version that begins with it, if one does."""
    given = body.given()
    if "name" in given:
        row.name = body.name
    if "timezone" in given:
        row.timezone = body.timezone
    if "fallback" in given:
        recording.assign(row, _fallback(body.fallback))
    if "layers" in given:
        row.layers = _layers(body.layers, row.layers)
    _check(row)
    with session.no_autoflush:
        await check_references(session, caller, row)
    if not given.keys() & {"timezone", "fallback", "layers"}:
        return None
    in_force = version_at(schedule, now) or configured(row)
    at = next_handoff(in_force, now) if body.effective is ChangeTime.NEXT_HANDOFF else now
    before = version_at(schedule, at) or in_force
    wanted = replace(configured(row), effective_from=at)
    version = following(before, wanted, keep_on_call=body.keep_on_call)
    row.layers = [layer_document(layer) for layer in version.layers]
    if replace(version, effective_from=before.effective_from) == before == schedule.versions[-1]:
        return None
    row.effective_from = at
    return version


def configured(row: StoredSchedule) -> ScheduleVersion:
    """What the row says, as a version."""
    (version,) = schedule_from(
        row.id,
        [
            {
                "effective_from": row.effective_from,
                "timezone": row.timezone,
                "layers": row.layers,
                "fallback_user_id": row.fallback_user_id,
                "fallback_destination_id": row.fallback_destination_id,
            }
        ],
        [],
    ).versions
    return version


async def tried(
    session: DatabaseSession,
    caller: Principal,
    row: StoredSchedule,
    body: SchedulePatch,
    before: OnCallSchedule,
    now: datetime,
) -> OnCallSchedule:
    """The schedule as a change would make it. The row is changed, and must not be written."""
    version = await _change(session, caller, row, body, before, now)
    return before if version is None else with_version(before, version)


async def delete(
    session: DatabaseSession, caller: Principal, schedule_id: UUID, now: datetime
) -> None:
    """Deletes one that nothing names.

    Raises:
        NotInWorkspace: there is none.
        StillNeeded: an escalation policy names it.
    """
    row = await owned(session, StoredSchedule, caller, schedule_id)
    names = await policies_naming(
        session, caller.workspace_id, TargetKind.SCHEDULE, schedule_id, _MOST_NAMED
    )
    if names:
        raise StillNeeded(f"Escalation policies name it: {', '.join(names)}.")
    await recording.delete(session, caller, KIND, row, now)


async def release_user(
    session: DatabaseSession, caller: Principal, user_id: UUID, now: datetime
) -> None:
    """Takes somebody who leaves out of every schedule of the workspace, from now on: whoever is next
    takes over, and what they were to cover is not covered. Each change is in the audit log."""
    for row in await schedules_of(session, caller.workspace_id, user_id):
        before = await load(session, caller, row.id, now, now + LOOK_AHEAD)
        in_force = version_at(before, now) or configured(row)
        async with recording.changing(session, caller, KIND, row, now, action="user-removed"):
            version = without_user(replace(configured(row), effective_from=now), user_id, in_force)
            row.layers = [layer_document(layer) for layer in version.layers]
            row.fallback_user_id = None if version.fallback is None else version.fallback.user
            row.effective_from = now
        await begin_version(session, row)
    for override in await overrides_naming(session, caller.workspace_id, user_id, now):
        if override.starts_at < now:
            override.ends_at = now
            override.updated_at = now
        else:
            await session.delete(override)
    for swap in await open_swaps_of(session, caller.workspace_id, user_id):
        swap.state = "canceled"
        swap.updated_at = now
    await session.flush()
