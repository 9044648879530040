"""Who is on call in the whole workspace, by schedule and by user."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.schedules import AtQuery
from tocsin.model import utc_now
from tocsin.oncall.resolve import Shift
from tocsin.resources import schedules
from tocsin.resources.schedule_shapes import (
    OnCallScheduleOut,
    OnCallUserOut,
    UserScheduleOut,
    WorkspaceOnCall,
)
from tocsin.resources.shifts import FARTHEST_LOOK, names_in, shown_shift, until_their_ends
from tocsin.store.queries.schedules import schedules_of

router = APIRouter(prefix="/on-call", tags=["schedules"], route_class=JsonRoute)


@router.get("")
async def who_is_on_call_everywhere(
    context: Context, caller: Viewer, query: Annotated[AtQuery, Query()]
) -> WorkspaceOnCall:
    """Whoever is on call at a time, each from then until the shift ends. A schedule with nobody has an
    empty list."""
    at = query.at or utc_now()
    async with context.reading() as session:
        rows = await schedules_of(session, caller.workspace_id)
        loaded = await schedules.load_all(
            session, caller.workspace_id, [row.id for row in rows], at, at + FARTHEST_LOOK
        )
        lasting = {row.id: until_their_ends(loaded[row.id], at) for row in rows}
        names = await names_in(session, (each for found in lasting.values() for each in found))
    by_user: dict[UUID, list[tuple[UUID, str, Shift]]] = defaultdict(list)
    for row in rows:
        for shift in lasting[row.id]:
            if shift.user is not None:
                by_user[shift.user].append((row.id, row.name, shift))
    return WorkspaceOnCall(
        at=at,
        items=[
            OnCallScheduleOut(
                schedule_id=row.id,
                name=row.name,
                on_call=[shown_shift(each, loaded[row.id], names) for each in lasting[row.id]],
            )
            for row in rows
        ],
        users=[
            OnCallUserOut(
                user_id=user,
                name=names.get(user, ""),
                schedules=[
                    UserScheduleOut(
                        schedule_id=schedule_id,
                        name=name,
                        until=shift.ends_at,
                        cause=shift.cause.kind,
                    )
                    for schedule_id, name, shift in found
                ],
            )
            for user, found in sorted(by_user.items(), key=lambda item: names.get(item[0], ""))
        ],
    )
