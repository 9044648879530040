"""Silences: what not to tell anyone of, for how long, and who said so."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.api.auth import Responder, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.api.problems import invalid
from tocsin.model import utc_now, uuid7
from tocsin.resources import recording
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
from tocsin.store import audit
from tocsin.store.tables import Silence

router = APIRouter(prefix="/silences", tags=["silences"], route_class=JsonRoute)


class SilenceState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


class SilenceOut(Output):
    id: Id
    workspace_id: Id
    matchers: list[JsonObject]
    starts_at: Time
    ends_at: Time
    author: str
    comment: str
    state: SilenceState
    created_at: Time
    updated_at: Time


class SilenceIn(Input):
    matchers: Annotated[Matchers, Field(min_length=1)]
    starts_at: Annotated[Time | None, Field(description="Null: now")] = None
    ends_at: Time
    comment: Note
    author: Annotated[Name | None, Field(description="Null: the name of the API key")] = None

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

    model_config = example({"comment": "Being replaced, part two"})


class SilenceQuery(PageQuery):
    state: SilenceState | None = None


def _state(row: Silence, now: datetime) -> SilenceState:
    if row.ends_at <= now:
        return SilenceState.EXPIRED
    return SilenceState.ACTIVE if row.starts_at <= now else SilenceState.PENDING


def _show(row: Silence, now: datetime) -> SilenceOut:
    return SilenceOut(
        id=row.id,
        workspace_id=row.workspace_id,
        matchers=row.matchers,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        author=row.author,
        comment=row.comment,
        state=_state(row, now),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _check(row: Silence, now: datetime) -> None:
    if faults := validate_silence(row.matchers, row.starts_at, row.ends_at, now):
        raise invalid(faults)


@router.get("")
async def list_silences(
    context: Context, caller: Viewer, query: Annotated[SilenceQuery, Query()]
) -> Page[SilenceOut]:
    now = utc_now()
    statement = select(Silence).where(Silence.workspace_id == caller.workspace_id)
    if query.state is SilenceState.EXPIRED:
        statement = statement.where(Silence.ends_at <= now)
    elif query.state is SilenceState.ACTIVE:
        statement = statement.where(Silence.starts_at <= now, Silence.ends_at > now)
    elif query.state is SilenceState.PENDING:
        statement = statement.where(Silence.starts_at > now, Silence.ends_at > now)
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session, statement, key=Silence.id, query=query, list_name="silences"
        )
    return Page(items=[_show(row, now) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=201)
async def create_silence(context: Context, caller: Responder, body: SilenceIn) -> SilenceOut:
    """What matches is then planned as `suppressed`, reason `silence`. At least one matcher must
    ask for something, or everything would be muted."""
    now = utc_now()
    row = Silence(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        matchers=[matcher.model_dump() for matcher in body.matchers],
        starts_at=body.starts_at or now,
        ends_at=body.ends_at,
        author=body.author or caller.name,
        comment=body.comment,
        created_at=now,
        updated_at=now,
    )
    _check(row, now)
    async with context.configuring() as session:
        session.add(row)
        await session.flush()
        answer = _show(row, now)
        recording.record(
            session, caller, "created", "silence", row.id, now, after=answer.document()
        )
    return answer


@router.get("/{silence_id:uuid}")
async def get_silence(context: Context, caller: Viewer, silence_id: Id) -> SilenceOut:
    async with context.reading() as session:
        return _show(await owned(session, Silence, caller, silence_id), utc_now())


@router.patch("/{silence_id:uuid}")
async def update_silence(
    context: Context, caller: Responder, silence_id: Id, body: SilencePatch
) -> SilenceOut:
    now = utc_now()
    values: dict[str, Any] = body.given()
    if "matchers" in values:
        values["matchers"] = [matcher.model_dump() for matcher in body.matchers]
    async with context.configuring() as session:
        row = await owned(session, Silence, caller, silence_id)
        with session.no_autoflush:
            await _change(session, caller, row, values, now)
        return _show(row, now)


async def _change(
    session: AsyncSession, caller: Responder, row: Silence, values: dict[str, Any], now: datetime
) -> None:
    before = _show(row, now).document()
    for name, value in values.items():
        setattr(row, name, value)
    was, became = audit.changed(before, _show(row, now).document())
    if not became:
        return
    _check(row, now)
    row.updated_at = now
    await session.flush()
    recording.record(session, caller, "updated", "silence", row.id, now, before=was, after=became)


@router.delete("/{silence_id:uuid}", status_code=204)
async def expire_silence(context: Context, caller: Responder, silence_id: Id) -> Response:
    """Ends it now; it stays on record. One that is over stays as it is."""
    now = utc_now()
    async with context.configuring() as session:
        row = await owned(session, Silence, caller, silence_id)
        if row.ends_at > now:
            before = _show(row, now).document()
            row.starts_at = min(row.starts_at, now)
            row.ends_at = row.updated_at = now
            await session.flush()
            was, became = audit.changed(before, _show(row, now).document())
            recording.record(
                session, caller, "expired", "silence", row.id, now, before=was, after=became
            )
    return Response(status_code=204)
