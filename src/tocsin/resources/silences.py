"""Silences: what nobody is notified of, for how long, and who asked for it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.model import Severity, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import (
    Id,
    Input,
    JsonObject,
    Name,
    Note,
    Output,
    Time,
    example,
    left_out,
)
from tocsin.resources.owned import owned
from tocsin.resources.rules import Matchers
from tocsin.routing.validation import validate_silence
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.silences import SilenceState, state_of
from tocsin.store.tables import StoredSilence


class SilenceOut(Output):
    id: Id
    workspace_id: Id
    matchers: list[JsonObject]
    starts_at: Time
    ends_at: Time
    author: str
    comment: str
    breakthrough_severity: Severity | None
    state: SilenceState
    created_at: Time
    updated_at: Time


class SilenceIn(Input):
    matchers: Annotated[Matchers, Field(min_length=1)]
    starts_at: Annotated[Time | None, Field(description="Null: now")] = None
    ends_at: Time
    comment: Note
    author: Annotated[Name | None, Field(description="Null: the name of the API key")] = None
    breakthrough_severity: Annotated[
        Severity | None, Field(description="Alerts at least this bad are sent despite it")
    ] = None

    model_config = example(
        {
            "matchers": [{"label": "host", "op": "=", "value": "db-1"}],
            "ends_at": "2036-01-01T00:00:00Z",
            "comment": "Being replaced",
        }
    )


class SilencePatch(Input):
    matchers: Annotated[Matchers, Field(min_length=1)] = left_out()
    starts_at: Time = left_out()
    ends_at: Time = left_out()
    comment: Note = left_out()
    breakthrough_severity: Severity | None = left_out()

    model_config = example({"comment": "Being replaced, part two"})

    def columns(self) -> dict[str, Any]:
        """What the request named, as the table keeps it."""
        values = self.given()
        if "matchers" in values:
            values["matchers"] = [matcher.model_dump() for matcher in self.matchers]
        return values


def show(row: StoredSilence, now: datetime) -> SilenceOut:
    return SilenceOut(
        id=row.id,
        workspace_id=row.workspace_id,
        matchers=row.matchers,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        author=row.author,
        comment=row.comment,
        breakthrough_severity=row.breakthrough_severity,
        state=state_of(row, now),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _kind(now: datetime) -> recording.Kind:
    return recording.Kind("silence", lambda row: show(row, now).document())


def _check(row: StoredSilence, now: datetime) -> None:
    if faults := validate_silence(row.matchers, row.starts_at, row.ends_at, now):
        raise InvalidRequest(faults)


def make(caller: Principal, body: SilenceIn, now: datetime) -> StoredSilence:
    """A silence as it is asked for, yet to be stored.

    Raises:
        InvalidRequest: it would mute everything, or nothing.
    """
    row = StoredSilence(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        matchers=[matcher.model_dump() for matcher in body.matchers],
        starts_at=body.starts_at or now,
        ends_at=body.ends_at,
        author=body.author or caller.name,
        comment=body.comment,
        breakthrough_severity=body.breakthrough_severity,
        created_at=now,
        updated_at=now,
    )
    _check(row, now)
    return row


async def create(
    session: DatabaseSession, caller: Principal, row: StoredSilence, now: datetime
) -> None:
    await recording.create(session, caller, _kind(now), row, now)


async def update(
    session: DatabaseSession, caller: Principal, silence_id: UUID, body: SilencePatch, now: datetime
) -> StoredSilence:
    row = await owned(session, StoredSilence, caller, silence_id)
    async with recording.changing(session, caller, _kind(now), row, now):
        recording.assign(row, body.columns())
        if workspace_rows.is_changed(session, row):
            _check(row, now)
    return row


async def expire(
    session: DatabaseSession, caller: Principal, silence_id: UUID, now: datetime
) -> None:
    """Ends it now; one that is over stays as it is."""
    row = await owned(session, StoredSilence, caller, silence_id)
    async with recording.changing(session, caller, _kind(now), row, now, action="expired"):
        if row.ends_at > now:
            row.starts_at = min(row.starts_at, now)
            row.ends_at = now
