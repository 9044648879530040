"""Maintenance windows, by whether they are over for good."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import StoredWindow


def is_over(now: datetime | ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether the last occurrence has ended, by itself or early."""
    length = func.make_interval(0, 0, 0, 0, 0, StoredWindow.duration_minutes)
    has_ended = StoredWindow.last_starts_at + length <= now
    was_ended = StoredWindow.ended_at >= StoredWindow.last_starts_at
    return func.coalesce(has_ended, False) | func.coalesce(was_ended, False)


async def page_of_windows(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    over: bool | None,
    now: datetime,
) -> RowPage[StoredWindow]:
    statement = select(StoredWindow).where(StoredWindow.workspace_id == workspace_id)
    if over is not None:
        statement = statement.where(is_over(now) if over else ~is_over(now))
    return await fetch_page(
        session, statement, request, key=StoredWindow.id, list_name="maintenance-windows"
    )
