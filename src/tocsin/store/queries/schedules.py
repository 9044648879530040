"""Schedules, what was changed by hand in them, swaps and calendars."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update

from tocsin.store.database import DatabaseSession
from tocsin.store.deletion import name_in_history
from tocsin.store.paging import PageRequest, RowPage, equal, fetch_page
from tocsin.store.statements import statement
from tocsin.store.tables import (
    AlertDestination,
    CalendarFeed,
    Membership,
    ShiftSwap,
    StoredOverride,
    StoredSchedule,
    StoredScheduleVersion,
    User,
)


async def read_schedules(
    session: DatabaseSession, ids: Collection[UUID], since: datetime, until: datetime
) -> Sequence[Any]:
    """Rows with `id`, `workspace_id`, `name`, and as documents the `versions` and `overrides` of that
    time."""
    connection = await session.connection()
    found = await connection.exec_driver_sql(
        statement("read_schedules").decode(), {"ids": list(ids), "since": since, "until": until}
    )
    return found.all()


async def page_of_schedules(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest, *, user_id: UUID | None
) -> RowPage[StoredSchedule]:
    conditions = [StoredSchedule.workspace_id == workspace_id, StoredSchedule.deleted_at.is_(None)]
    if user_id is not None:
        conditions.append(_names(user_id))
    return await fetch_page(
        session,
        select(StoredSchedule).where(*conditions),
        request,
        key=StoredSchedule.id,
        list_name="schedules",
    )


def _names(user_id: UUID) -> ColumnElement[bool]:
    """Whether the user has turns in it as it is configured, or is its fallback."""
    turns = [{"participants": [[str(user_id)]]}]
    return or_(StoredSchedule.layers.contains(turns), StoredSchedule.fallback_user_id == user_id)


async def schedules_of(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID | None = None
) -> Sequence[StoredSchedule]:
    """All of a workspace; or those that name a user."""
    conditions = [StoredSchedule.workspace_id == workspace_id, StoredSchedule.deleted_at.is_(None)]
    if user_id is not None:
        conditions.append(_names(user_id))
    found = await session.scalars(
        select(StoredSchedule).where(*conditions).order_by(StoredSchedule.name)
    )
    return found.all()


async def schedules_named(session: DatabaseSession, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Their names, of those that are there."""
    rows = await session.execute(
        select(StoredSchedule.id, StoredSchedule.name).where(StoredSchedule.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


async def schedules_falling_back_on(
    session: DatabaseSession, workspace_id: UUID, destination_id: UUID, most: int
) -> Sequence[str]:
    """The names of the schedules whose fallback the destination is."""
    found = await session.scalars(
        select(StoredSchedule.name)
        .where(
            StoredSchedule.workspace_id == workspace_id,
            StoredSchedule.deleted_at.is_(None),
            StoredSchedule.fallback_destination_id == destination_id,
        )
        .order_by(StoredSchedule.name)
        .limit(most)
    )
    return found.all()


async def begin_version(session: DatabaseSession, row: StoredSchedule) -> None:
    """What the row says holds from its `effective_from` on. A version that was yet to begin then is
    dropped; those that have ended stay."""
    table = StoredScheduleVersion
    begin = row.effective_from
    await session.execute(
        delete(table).where(table.schedule_id == row.id, table.effective_from >= begin)
    )
    still_holds = or_(table.effective_until.is_(None), table.effective_until > begin)
    await session.execute(
        update(table)
        .where(table.schedule_id == row.id, still_holds)
        .values(effective_until=begin)
        .execution_options(synchronize_session=False)
    )
    session.add(
        table(
            schedule_id=row.id,
            effective_from=begin,
            effective_until=None,
            timezone=row.timezone,
            layers=row.layers,
            fallback_user_id=row.fallback_user_id,
            fallback_destination_id=row.fallback_destination_id,
        )
    )
    await session.flush()


async def page_of_overrides(
    session: DatabaseSession,
    schedule_id: UUID,
    request: PageRequest,
    *,
    is_over: bool | None,
    now: datetime,
) -> RowPage[StoredOverride]:
    table = StoredOverride
    found = select(table).where(table.schedule_id == schedule_id)
    if is_over is not None:
        found = found.where(table.ends_at <= now if is_over else table.ends_at > now)
    return await fetch_page(session, found, request, key=table.id, list_name="schedule-overrides")


async def count_overrides(session: DatabaseSession, schedule_id: UUID, now: datetime) -> int:
    """Those that are not over."""
    count = await session.scalar(
        select(func.count())
        .select_from(StoredOverride)
        .where(StoredOverride.schedule_id == schedule_id, StoredOverride.ends_at > now)
    )
    return count or 0


async def overrides_of_swap(session: DatabaseSession, swap_id: UUID) -> Sequence[StoredOverride]:
    found = await session.scalars(
        select(StoredOverride).where(StoredOverride.shift_swap_id == swap_id)
    )
    return found.all()


async def overrides_naming(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID, now: datetime
) -> Sequence[StoredOverride]:
    """Those that are not over and bring a user on call."""
    table = StoredOverride
    found = await session.scalars(
        select(table).where(
            table.workspace_id == workspace_id,
            table.substitute_user_id == user_id,
            table.ends_at > now,
        )
    )
    return found.all()


async def open_swaps_of(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID
) -> Sequence[ShiftSwap]:
    found = await session.scalars(
        select(ShiftSwap).where(
            ShiftSwap.workspace_id == workspace_id,
            ShiftSwap.user_id == user_id,
            ShiftSwap.state == "open",
        )
    )
    return found.all()


async def page_of_swaps(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    schedule_id: UUID | None,
    user_id: UUID | None,
    state: str | None,
) -> RowPage[ShiftSwap]:
    found = select(ShiftSwap).where(
        ShiftSwap.workspace_id == workspace_id,
        *equal((ShiftSwap.schedule_id, schedule_id), (ShiftSwap.state, state)),
    )
    if user_id is not None:
        found = found.where(or_(ShiftSwap.user_id == user_id, ShiftSwap.taken_by == user_id))
    return await fetch_page(session, found, request, key=ShiftSwap.id, list_name="shift-swaps")


async def page_of_feeds(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest
) -> RowPage[CalendarFeed]:
    found = select(CalendarFeed).where(CalendarFeed.workspace_id == workspace_id)
    return await fetch_page(
        session, found, request, key=CalendarFeed.id, list_name="calendar-feeds"
    )


async def feeds_of(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID
) -> Sequence[CalendarFeed]:
    """Those of the shifts of one person, newest first."""
    found = await session.scalars(
        select(CalendarFeed)
        .where(CalendarFeed.workspace_id == workspace_id, CalendarFeed.user_id == user_id)
        .order_by(CalendarFeed.id.desc())
    )
    return found.all()


async def find_feed_by_hash(session: DatabaseSession, token_hash: bytes) -> CalendarFeed | None:
    return await session.scalar(select(CalendarFeed).where(CalendarFeed.token_hash == token_hash))


_NOTE_USE = text(
    "UPDATE calendar_feeds SET last_used_at = :now"
    " WHERE id = :id AND (last_used_at IS NULL OR last_used_at <= :before)"
)


async def note_use_of_feed(
    session: DatabaseSession, feed_id: UUID, now: datetime, *, unless_after: datetime
) -> None:
    await session.execute(_NOTE_USE, {"id": feed_id, "now": now, "before": unless_after})


async def members_among(
    session: DatabaseSession, workspace_id: UUID, ids: Collection[UUID]
) -> set[UUID]:
    """Those of the ids that are members of the workspace."""
    found = await session.scalars(
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.workspace_id == workspace_id,
            Membership.user_id.in_(ids),
            User.deleted_at.is_(None),
        )
    )
    return set(found)


async def names_of(session: DatabaseSession, ids: Collection[UUID]) -> Mapping[UUID, str]:
    """Of users and destinations, as history has them."""
    found: dict[UUID, str] = {}
    for table in (User, AlertDestination):
        rows = await session.execute(
            select(table.id, table.name, table.deleted_at).where(table.id.in_(ids))
        )
        found.update((row.id, name_in_history(row.name, row.deleted_at) or "") for row in rows)
    return found
