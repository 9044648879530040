"""Silences, by what they are at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import StoredSilence


class SilenceState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


def state_of(row: StoredSilence, now: datetime) -> SilenceState:
    if row.ends_at <= now:
        return SilenceState.EXPIRED
    return SilenceState.ACTIVE if row.starts_at <= now else SilenceState.PENDING


def _is(state: SilenceState, now: datetime) -> ColumnElement[bool]:
    """The same as a condition."""
    if state is SilenceState.EXPIRED:
        return StoredSilence.ends_at <= now
    has_begun = StoredSilence.starts_at <= now
    return (has_begun if state is SilenceState.ACTIVE else ~has_begun) & (
        StoredSilence.ends_at > now
    )


async def page_of_silences(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    state: SilenceState | None,
    now: datetime,
) -> RowPage[StoredSilence]:
    statement = select(StoredSilence).where(StoredSilence.workspace_id == workspace_id)
    if state is not None:
        statement = statement.where(_is(state, now))
    return await fetch_page(session, statement, request, key=StoredSilence.id, list_name="silences")


async def all_silences(session: DatabaseSession, workspace_id: UUID) -> Sequence[StoredSilence]:
    """The newest thousands of a workspace."""
    statement = (
        select(StoredSilence)
        .where(StoredSilence.workspace_id == workspace_id)
        .order_by(StoredSilence.ends_at.desc())
        .limit(5_000)
    )
    return (await session.scalars(statement)).all()
