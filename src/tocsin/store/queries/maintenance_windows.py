"""Maintenance windows, by whether they are over for good, and by what only their calendars know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, encode_cursor, fetch_page
from tocsin.store.tables import StoredWindow


def is_over(now: datetime | ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the last occurrence has ended, by itself or early."""
    length = func.make_interval(0, 0, 0, 0, 0, StoredWindow.duration_minutes)
    has_ended = StoredWindow.last_starts_at + length <= now
    was_ended = StoredWindow.ended_at >= StoredWindow.last_starts_at
    return func.coalesce(has_ended, False) | func.coalesce(was_ended, False)


_LIST = "maintenance-windows"
_PORTION = 200


async def page_of_windows(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    over: bool | None,
    now: datetime,
    keep: Callable[[StoredWindow], bool] | None = None,
) -> RowPage[StoredWindow]:
    """`keep` says of each whether it is one of them."""
    statement = select(StoredWindow).where(StoredWindow.workspace_id == workspace_id)
    if over is not None:
        statement = statement.where(is_over(now) if over else ~is_over(now))
    if keep is None:
        return await fetch_page(session, statement, request, key=StoredWindow.id, list_name=_LIST)
    found: list[StoredWindow] = []
    cursor = request.cursor
    while True:
        portion = await fetch_page(
            session,
            statement,
            PageRequest(_PORTION, cursor),
            key=StoredWindow.id,
            list_name=_LIST,
        )
        found += [row for row in portion.rows if keep(row)]
        if len(found) > request.limit:
            rows = found[: request.limit]
            return RowPage(rows, encode_cursor(_LIST, rows[-1].id))
        cursor = portion.next_cursor
        if cursor is None:
            return RowPage(found, None)
