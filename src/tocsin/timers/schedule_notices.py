"""Notices of schedules: people are notified of their shifts, and whoever looks after a schedule of gaps.

The leader looks. What is due is found from the schedules alone, and what was announced already is in the
database, noted in the transaction that makes the messages: a restart at any moment repeats nothing, and
what fell due while nobody looked is made up for as long as it is still of use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import structlog

from tocsin.alerts.directory import Directory, DirectoryFeed
from tocsin.message import Content, NoticeContent
from tocsin.model import EventType, utc_now
from tocsin.oncall.contacts import Person, notice_methods
from tocsin.oncall.documents import schedule_from
from tocsin.oncall.gap_notices import LOOK_AT, gap_news, gap_notice, look_at
from tocsin.oncall.resolve import gaps, resolve
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.oncall.shift_notices import (
    LATE,
    NoticeWords,
    ShiftNotice,
    ShiftNotices,
    due_notices,
    shift_words,
)
from tocsin.oncall.validation import is_too_much
from tocsin.store.database import Engine, create_engine, reading, writing
from tocsin.store.described import described
from tocsin.store.queries.schedule_notices import (
    NoticeRow,
    add_notices,
    note,
    note_all,
    noted_keys,
    schedules_in,
)
from tocsin.store.queries.schedules import read_schedules
from tocsin.store.tables import StoredSchedule

EVERY_SECONDS = 15.0

_AT_ONCE = 100
"""Schedules that are read together."""

_AHEAD = timedelta(days=75)
"""So far they are read: farther than any notice looks."""

_GAPS, _LOOKED = "gap", "looked"
_REMEMBERED = timedelta(days=90)
_ALERTING_ONLY = frozenset({"pagerduty"})
"""Types of destinations that open an incident for whatever they are sent."""

log = structlog.get_logger(__name__)


async def keep_schedule_notices(
    url: str, feed: DirectoryFeed, now: Callable[[], datetime] = utc_now
) -> None:
    """Forever, on the node that keeps the clock. A database that is away is asked again."""
    notices = ScheduleNotices(url, feed)
    try:
        while True:
            try:
                await notices.work(now())
            except Exception as error:
                log.error("schedules are not looked at for notices", **described(error))
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        await notices.close()


class ScheduleNotices:
    """One per leader, over a connection of its own."""

    def __init__(self, url: str, feed: DirectoryFeed) -> None:
        self._engine: Engine = create_engine(url, pool_size=1)
        self._feed = feed
        self._looked_on: dict[UUID, str] = {}

    async def close(self) -> None:
        await self._engine.dispose()

    async def work(self, now: datetime) -> None:
        """Make all notices that are due at `now`.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the database went away; what is not made is made later.
        """
        directory = await self._feed.look()
        async with reading(self._engine) as session:
            rows = await schedules_in(session)
        wanted = [row for row in rows if self._is_to_look_at(row, directory, now)]
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            async with reading(self._engine) as session:
                found = await read_schedules(
                    session, [row.id for row in some], look_at(now).starts_at, now + _AHEAD
                )
            of_id = {
                each.id: schedule_from(each.id, each.versions, each.overrides) for each in found
            }
            for row in some:
                if (schedule := of_id.get(row.id)) is not None:
                    await self._look(row, schedule, directory, now)

    def _is_to_look_at(self, row: StoredSchedule, directory: Directory, now: datetime) -> bool:
        return bool(_asked(directory, row.workspace_id)) or self._gaps_are_due(row, now)

    async def _look(
        self, row: StoredSchedule, schedule: OnCallSchedule, directory: Directory, now: datetime
    ) -> None:
        """One schedule that cannot be looked at stands in nobody's way."""
        try:
            await self._tell_shifts(row, schedule, directory, now)
            if self._gaps_are_due(row, now):
                await self._tell_gaps(row, schedule, directory, now)
                self._looked_on[row.id] = _day(row, now)
        except Exception as error:
            log.error("no notices of a schedule", schedule_id=str(row.id), **described(error))

    # Shifts

    async def _tell_shifts(
        self, row: StoredSchedule, schedule: OnCallSchedule, directory: Directory, now: datetime
    ) -> None:
        people = _people(directory, row.workspace_id)
        asked = _asked(directory, row.workspace_id)
        for notice in due_notices(schedule, asked, now) if asked else ():
            person = people[notice.user]
            names = {id: each.name for id, each in people.items()}
            words = shift_words(notice, row.name, names, person.timezone, now)
            async with writing(self._engine) as session:
                if await note(session, row.id, notice.event_type, notice.key, now + _REMEMBERED):
                    content = _content(notice.event_type, directory, row, words, now)
                    until = max(now, notice.at) + LATE
                    await add_notices(
                        session, _to_person(row, person, content, until, _detail(row, notice))
                    )

    # Gaps

    def _gaps_are_due(self, row: StoredSchedule, now: datetime) -> bool:
        """Once a day, from the hour on at which they are looked at; a new schedule from the next on."""
        local = now.astimezone(ZoneInfo(row.timezone))
        hour = datetime.combine(local.date(), LOOK_AT, local.tzinfo)
        is_due = local >= hour and row.created_at < hour
        return is_due and self._looked_on.get(row.id) != _day(row, now)

    async def _tell_gaps(
        self, row: StoredSchedule, schedule: OnCallSchedule, directory: Directory, now: datetime
    ) -> None:
        span = look_at(now)
        if is_too_much(schedule, span):
            return
        zone = ZoneInfo(row.timezone)
        people = _people(directory, row.workspace_id)
        # Whoever is disabled keeps their turns, and is paged in none of them.
        shifts = resolve(schedule, *span)
        idle = {each.user for each in shifts} & {
            id for id, person in people.items() if not person.is_active
        }
        found = gaps(schedule, [each for each in shifts if each.user not in idle], span)
        async with writing(self._engine) as session:
            if not await note(session, row.id, _LOOKED, _day(row, now), now + _REMEMBERED):
                return
            known = await noted_keys(session, row.id, _GAPS)
            news = gap_news(found, known, now, zone)
            await note_all(session, row.id, _GAPS, news.keys, now + _REMEMBERED)
            if not news.new:
                return
            names = sorted(people[id].name for id in idle if id is not None)
            words = gap_notice(row.name, news, row.timezone, names)
            content = _content(EventType.GAPS, directory, row, words, now)
            told = self._gap_rows(row, directory, content, now)
            await add_notices(session, told)
        if not told:
            log.warning(
                "a schedule has gaps, and there is nobody to notify",
                schedule=row.name,
                schedule_id=str(row.id),
                gaps=words.text,
            )

    def _gap_rows(
        self, row: StoredSchedule, directory: Directory, content: Content, now: datetime
    ) -> Sequence[NoticeRow]:
        """To the schedule's fallback; else to the admins of the workspace; else to its fallback."""
        people = _people(directory, row.workspace_id)
        until, detail = now + timedelta(days=1), _detail(row)
        if rows := self._to_destination(row, directory, row.fallback_destination_id, content, now):
            return rows
        first = people.get(row.fallback_user_id) if row.fallback_user_id is not None else None
        if first is not None and (rows := _to_person(row, first, content, until, detail)):
            return rows
        admins = [each for each in people.values() if each.is_admin]
        rows = [made for each in admins for made in _to_person(row, each, content, until, detail)]
        if rows:
            return rows
        table = directory.routing.get(row.workspace_id)
        last = None if table is None else table.fallback_destination_id
        return self._to_destination(row, directory, last, content, now)

    def _to_destination(
        self,
        row: StoredSchedule,
        directory: Directory,
        destination_id: UUID | None,
        content: Content,
        now: datetime,
    ) -> Sequence[NoticeRow]:
        table = directory.routing.get(row.workspace_id)
        if destination_id is None or table is None:
            return ()
        found = table.destinations.get(destination_id)
        if found is None or not found.is_enabled or found.type in _ALERTING_ONLY:
            return ()
        return [_row(row, destination_id, content, now + timedelta(days=1), _detail(row))]


def _people(directory: Directory, workspace_id: UUID) -> Mapping[UUID, Person]:
    book = directory.on_call.get(workspace_id)
    return {} if book is None else book.people


def _asked(directory: Directory, workspace_id: UUID) -> Mapping[UUID, ShiftNotices]:
    """Who wants notices of shifts, and can get them."""
    return {
        id: person.shift_notices
        for id, person in _people(directory, workspace_id).items()
        if person.shift_notices is not None and notice_methods(person)
    }


def _day(row: StoredSchedule, now: datetime) -> str:
    return f"{now.astimezone(ZoneInfo(row.timezone)):%Y-%m-%d}"


def _content(
    event_type: EventType,
    directory: Directory,
    row: StoredSchedule,
    words: NoticeWords,
    now: datetime,
) -> Content:
    return Content(
        event_type=event_type,
        created_at=now,
        workspace=directory.workspaces[row.workspace_id],
        tenant=None,
        rule=None,
        alert=None,
        actor=None,
        notice=NoticeContent(title=words.title, text=words.text),
    )


def _detail(row: StoredSchedule, notice: ShiftNotice | None = None) -> dict[str, object]:
    detail: dict[str, object] = {"schedule": {"id": str(row.id), "name": row.name}}
    if notice is not None:
        detail["shift_at"] = notice.at.isoformat()
    return detail


def _to_person(
    row: StoredSchedule,
    person: Person,
    content: Content,
    give_up_at: datetime,
    detail: dict[str, object],
) -> list[NoticeRow]:
    return [_row(row, id, content, give_up_at, detail, person.id) for id in notice_methods(person)]


def _row(
    row: StoredSchedule,
    destination_id: UUID,
    content: Content,
    give_up_at: datetime,
    detail: dict[str, object],
    user_id: UUID | None = None,
) -> NoticeRow:
    return NoticeRow(
        workspace_id=row.workspace_id,
        destination_id=destination_id,
        event_type=content.event_type,
        payload=msgspec.to_builtins(content),
        give_up_at=give_up_at,
        detail=detail,
        user_id=user_id,
    )
