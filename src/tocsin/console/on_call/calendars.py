"""`/calendars/{token}.ics`: what calendars subscribe to. Who has the token reads it, so a dead one is
answered like any other address at which there is nothing."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.model import utc_now
from tocsin.oncall.calendar import AHEAD, MARGIN, PAST, CalendarEntry, rendered
from tocsin.oncall.cause_words import cause_words
from tocsin.oncall.resolve import CauseKind, Shift, resolve
from tocsin.oncall.spans import Span
from tocsin.resources import schedules
from tocsin.resources.calendar_feeds import token_hash
from tocsin.resources.my_shifts import schedule_ids_of
from tocsin.store import failures
from tocsin.store.database import DatabaseSession, Engine, reading, writing
from tocsin.store.queries.configuration_version import configuration_version
from tocsin.store.queries.schedules import (
    find_feed_by_hash,
    names_of,
    note_use_of_feed,
    schedules_named,
)
from tocsin.store.tables import CalendarFeed

_KEPT = 128
"""Calendars that are kept as they were made last."""
_LAST_USE_STEP = timedelta(minutes=1)

log = structlog.get_logger(__name__)


def create_calendars(engine: Engine) -> Starlette:
    """The ASGI application to mount at `/calendars`."""
    calendars = _Calendars(engine)
    return Starlette(routes=[Route("/{token}.ics", calendars.answer, methods=["GET"])])


class _Calendars:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: OrderedDict[tuple[UUID, int, datetime], bytes] = OrderedDict()
        """By feed, version of the configuration, and day."""

    async def answer(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except failures.FAILED as error:
            log.warning("a calendar feed cannot reach the database", error=type(error).__name__)
            return Response(status_code=503, headers={"Retry-After": "60"})

    async def _answer(self, request: Request) -> Response:
        now = utc_now()
        digest = token_hash(request.path_params["token"])
        async with reading(self._engine) as session:
            feed = await find_feed_by_hash(session, digest)
            if feed is None or not hmac.compare_digest(feed.token_hash, digest):
                return Response("There is nothing at this address.\n", status_code=404)
            body = await self._body(session, feed, now)
        if feed.last_used_at is None or feed.last_used_at <= now - _LAST_USE_STEP:
            async with writing(self._engine) as session:
                await note_use_of_feed(session, feed.id, now, unless_after=now - _LAST_USE_STEP)
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": tag, "Cache-Control": "private, max-age=300"}
        if _matches(request.headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="text/calendar; charset=utf-8")

    async def _body(self, session: DatabaseSession, feed: CalendarFeed, now: datetime) -> bytes:
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        key = (feed.id, await configuration_version(session), day)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        body = await _rendered(session, feed, day)
        self._made[key] = body
        if len(self._made) > _KEPT:
            self._made.popitem(last=False)
        return body


def _matches(asked: str, tag: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in asked.split(",")]
    return tag in tags or "*" in tags


async def _rendered(session: DatabaseSession, feed: CalendarFeed, day: datetime) -> bytes:
    span = Span(day - PAST, day + AHEAD)
    ids = await _schedule_ids(session, feed, span.starts_at)
    loaded = await schedules.load_all(
        session, feed.workspace_id, ids, span.starts_at - MARGIN, span.ends_at + MARGIN
    )
    titles = await schedules_named(session, ids)
    found = [
        (schedule, shift)
        for schedule in loaded.values()
        for shift in _shown(
            resolve(schedule, span.starts_at - MARGIN, span.ends_at + MARGIN), feed, span
        )
    ]
    names = await names_of(session, {each.user for _, each in found if each.user is not None})
    entries = [
        CalendarEntry(
            schedule.id,
            shift,
            _summary(feed, names.get(shift.user or feed.id, ""), titles[schedule.id]),
            cause_words(shift.cause, schedule),
        )
        for schedule, shift in found
    ]
    entries.sort(key=lambda each: (each.shift.starts_at, each.summary))
    return rendered(_title(titles.get(feed.schedule_id or feed.id)), entries, day)


async def _schedule_ids(
    session: DatabaseSession, feed: CalendarFeed, since: datetime
) -> Sequence[UUID]:
    if feed.schedule_id is not None:
        return [feed.schedule_id]
    assert feed.user_id is not None
    return await schedule_ids_of(session, feed.workspace_id, feed.user_id, since)


def _shown(shifts: Sequence[Shift], feed: CalendarFeed, span: Span) -> list[Shift]:
    return [
        shift
        for shift in shifts
        if shift.starts_at < span.ends_at
        and shift.ends_at > span.starts_at
        and shift.cause.kind is not CauseKind.FALLBACK
        and feed.user_id in (None, shift.user)
    ]


def _summary(feed: CalendarFeed, name: str, title: str) -> str:
    if feed.user_id is not None:
        return f"On call: {title}"
    return f"{name} ({title})"


def _title(title: str | None) -> str:
    return "On call" if title is None else f"On call: {title}"
