"""Calendar feeds: addresses at which calendars find shifts. Each has a token, which is kept as a hash,
shown once, and works until the feed is deleted."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.model import Fault, Secret, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest, NotInWorkspace
from tocsin.resources.fields import Id, Input, Name, Output, Time, example
from tocsin.resources.owned import owned, require
from tocsin.resources.schedules import require_members
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import CalendarFeed, StoredSchedule

PATH = "/calendars"

_TOKEN_BYTES = 32


class CalendarFeedIn(Input):
    name: Annotated[Name, Field(description="What it is for, to tell them apart")]
    schedule_id: Annotated[
        Id | None, Field(description="The shifts of this schedule; null: of all")
    ] = None
    user_id: Annotated[Id | None, Field(description="The shifts of this user; null: of all")] = None

    model_config = example({"name": "My phone", "user_id": "0199b4a2-0000-7000-8000-0000000000aa"})


class CalendarFeedOut(Output):
    id: Id
    workspace_id: Id
    name: str
    schedule_id: Id | None
    user_id: Id | None
    last_used_at: Annotated[Time | None, Field(description="To the minute")]
    created_at: Time


class CalendarFeedWithUrl(CalendarFeedOut):
    url: Annotated[
        str,
        Field(description="Whoever has it reads the calendar; it is shown this once"),
    ]


def show(row: CalendarFeed) -> CalendarFeedOut:
    return CalendarFeedOut.model_validate(row)


KIND = recording.Kind("calendar_feed", lambda row: show(row).document())


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def address(token: Secret, base_url: str) -> str:
    return f"{base_url}{PATH}/{token.reveal_text()}.ics"


async def create(
    session: DatabaseSession, caller: Principal, body: CalendarFeedIn, now: datetime
) -> tuple[CalendarFeed, Secret]:
    """The token is the only copy of it.

    Raises:
        InvalidRequest: it is of nothing.
        MissingReference: the schedule or the user is not there.
    """
    if body.schedule_id is None and body.user_id is None:
        words = "say of which schedule, or of which user"
        raise InvalidRequest([Fault("/schedule_id", "required", words)])
    if body.schedule_id is not None:
        await require(session, StoredSchedule, caller, body.schedule_id, "/schedule_id")
    if body.user_id is not None:
        await require_members(session, caller, {body.user_id: "/user_id"})
    token = Secret(secrets.token_urlsafe(_TOKEN_BYTES))
    row = CalendarFeed(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        name=body.name,
        schedule_id=body.schedule_id,
        user_id=body.user_id,
        token_hash=token_hash(token.reveal_text()),
        last_used_at=None,
        created_at=now,
    )
    await recording.create(session, caller, KIND, row, now)
    return row, token


async def delete_own(
    session: DatabaseSession, caller: Principal, feed_id: UUID, now: datetime
) -> None:
    """Deletes a feed of the caller's own shifts.

    Raises:
        NotInWorkspace: there is none of theirs.
    """
    row = await owned(session, CalendarFeed, caller, feed_id)
    if row.user_id is None or row.user_id != caller.user_id:
        raise NotInWorkspace("calendar feed")
    await recording.delete(session, caller, KIND, row, now)
