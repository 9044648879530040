"""When somebody is on call next, over all schedules of a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.oncall.resolve import CauseKind, resolve
from tocsin.resources import schedules
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.schedules import overrides_naming, schedules_named, schedules_of

LOOKED_AHEAD = timedelta(days=62)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OwnShift:
    schedule_id: UUID
    schedule: str
    starts_at: datetime
    ends_at: datetime


async def schedule_ids_of(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID, since: datetime
) -> list[UUID]:
    """Of the schedules that name somebody, by turns or by an override that ends after `since`."""
    rows = await schedules_of(session, workspace_id, user_id)
    overrides = await overrides_naming(session, workspace_id, user_id, since)
    return [*{row.id for row in rows} | {override.schedule_id for override in overrides}]


async def next_shifts(
    session: DatabaseSession, caller: Principal, user_id: UUID, now: datetime
) -> list[OwnShift]:
    """The running one and those to come, the soonest first; not what a fallback would be."""
    ids = await schedule_ids_of(session, caller.workspace_id, user_id, now)
    until = now + LOOKED_AHEAD
    names = await schedules_named(session, ids)
    loaded = await schedules.load_all(session, caller.workspace_id, ids, now, until)
    found = [
        OwnShift(schedule.id, names[schedule.id], shift.starts_at, shift.ends_at)
        for schedule in loaded.values()
        for shift in resolve(schedule, now, until)
        if shift.user == user_id and shift.cause.kind is not CauseKind.FALLBACK
    ]
    return sorted(found, key=lambda each: (each.starts_at, each.schedule))[:_SHOWN]
