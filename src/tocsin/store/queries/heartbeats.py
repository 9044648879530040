"""Heartbeats, what is known of them, and what happened to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, equal, fetch_page
from tocsin.store.tables import (
    Heartbeat,
    HeartbeatChange,
    HeartbeatPing,
    HeartbeatStatus,
    Integration,
)

HEARTBEAT_TYPE = "heartbeat"
"""Of the integrations whose alerts those of heartbeats are."""


class ShownHeartbeatState(StrEnum):
    """The state of a heartbeat as people see it: `late` is `up` past its time, within its grace;
    `finished` is `up` where its calendar has no further time, so that nothing is expected any more."""

    NEW = "new"
    UP = "up"
    LATE = "late"
    DOWN = "down"
    PAUSED = "paused"
    FINISHED = "finished"


def shown_state(row: Heartbeat, status: HeartbeatStatus, now: datetime) -> ShownHeartbeatState:
    if status.state == ShownHeartbeatState.UP and status.due_at is None:
        return ShownHeartbeatState.FINISHED
    is_late = (
        status.state == ShownHeartbeatState.UP
        and status.due_reason == "timeout"
        and status.due_at is not None
        and status.due_at - timedelta(seconds=row.grace_seconds) <= now
    )
    return ShownHeartbeatState.LATE if is_late else ShownHeartbeatState(status.state)


def _is(state: ShownHeartbeatState, now: datetime) -> ColumnElement[bool]:
    """The same as a condition on both tables."""
    grace = func.make_interval(0, 0, 0, 0, 0, 0, Heartbeat.grace_seconds)
    late = (HeartbeatStatus.due_reason == "timeout") & (HeartbeatStatus.due_at - grace <= now)
    is_up = HeartbeatStatus.state == ShownHeartbeatState.UP.value
    if state is ShownHeartbeatState.LATE:
        return is_up & late
    if state is ShownHeartbeatState.FINISHED:
        return is_up & HeartbeatStatus.due_at.is_(None)
    if state is ShownHeartbeatState.UP:
        return is_up & HeartbeatStatus.due_at.is_not(None) & late.is_not(True)
    return HeartbeatStatus.state == state.value


async def page_of_heartbeats(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    state: ShownHeartbeatState | None,
    tenant_id: UUID | None,
    integration_id: UUID | None,
    slug: str | None,
    now: datetime,
) -> RowPage[Heartbeat]:
    statement = select(Heartbeat).where(
        Heartbeat.workspace_id == workspace_id,
        Heartbeat.deleted_at.is_(None),
        *equal(
            (Heartbeat.tenant_id, tenant_id),
            (Heartbeat.integration_id, integration_id),
            (Heartbeat.slug, slug),
        ),
    )
    if state is not None:
        statement = statement.join(
            HeartbeatStatus, HeartbeatStatus.heartbeat_id == Heartbeat.id
        ).where(_is(state, now))
    return await fetch_page(session, statement, request, key=Heartbeat.id, list_name="heartbeats")


async def statuses_of(
    session: DatabaseSession, ids: Collection[UUID]
) -> Mapping[UUID, HeartbeatStatus]:
    statement = select(HeartbeatStatus).where(HeartbeatStatus.heartbeat_id.in_(ids))
    return {row.heartbeat_id: row for row in await session.scalars(statement)}


async def lock_status(session: DatabaseSession, heartbeat_id: UUID) -> HeartbeatStatus:
    """What is known of it, until the commit."""
    return await session.get_one(
        HeartbeatStatus, heartbeat_id, with_for_update=True, populate_existing=True
    )


async def wake_clock(session: DatabaseSession) -> None:
    """Once this commits: there is something for the clock to see to."""
    await session.execute(select(func.pg_notify("tocsin_heartbeats", "")))


async def heartbeat_called(
    session: DatabaseSession, workspace_id: UUID, name: str
) -> Heartbeat | None:
    """The one of this name in a workspace, else the one of this slug."""
    statement = (
        select(Heartbeat)
        .where(
            Heartbeat.workspace_id == workspace_id,
            Heartbeat.deleted_at.is_(None),
            (Heartbeat.name == name) | (Heartbeat.slug == name),
        )
        .order_by((Heartbeat.name == name).desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def heartbeats_with_status(
    session: DatabaseSession,
    ids: Collection[UUID] | None = None,
    *,
    workspace_id: UUID | None = None,
    most: int = 1,
) -> Sequence[tuple[Heartbeat, HeartbeatStatus]]:
    """These, or those of a workspace by name, and what is known of each."""
    statement = (
        select(Heartbeat, HeartbeatStatus)
        .join(HeartbeatStatus, HeartbeatStatus.heartbeat_id == Heartbeat.id)
        .where(Heartbeat.deleted_at.is_(None), *equal((Heartbeat.workspace_id, workspace_id)))
        .order_by(Heartbeat.name)
        .limit(most)
    )
    if ids is not None:
        statement = statement.where(Heartbeat.id.in_(ids))
    return [(row, status) for row, status in await session.execute(statement)]


async def newest_pings(
    session: DatabaseSession, heartbeat_id: UUID, most: int
) -> Sequence[HeartbeatPing]:
    statement = select(HeartbeatPing).where(HeartbeatPing.heartbeat_id == heartbeat_id)
    return (
        await session.scalars(statement.order_by(HeartbeatPing.number.desc()).limit(most))
    ).all()


async def page_of_changes(
    session: DatabaseSession, heartbeat_id: UUID, request: PageRequest
) -> RowPage[HeartbeatChange]:
    statement = select(HeartbeatChange).where(HeartbeatChange.heartbeat_id == heartbeat_id)
    return await fetch_page(
        session, statement, request, key=HeartbeatChange.id, list_name="heartbeat-changes"
    )


async def find_heartbeat_integration(
    session: DatabaseSession, workspace_id: UUID
) -> Integration | None:
    """The first of its type that the workspace has."""
    statement = (
        select(Integration)
        .where(
            Integration.workspace_id == workspace_id,
            Integration.type == HEARTBEAT_TYPE,
            Integration.deleted_at.is_(None),
        )
        .order_by(Integration.id)
        .limit(1)
    )
    return await session.scalar(statement)


async def heartbeats_of_integration(
    session: DatabaseSession, integration_id: UUID, most: int
) -> Sequence[str]:
    """The names of those that open its alerts, or that its signals are pings of."""
    statement = select(Heartbeat.name).where(
        (Heartbeat.integration_id == integration_id)
        | (Heartbeat.bound_integration_id == integration_id),
        Heartbeat.deleted_at.is_(None),
    )
    return (await session.scalars(statement.limit(most))).all()


async def heartbeats_of_tenant(
    session: DatabaseSession, tenant_id: UUID, most: int
) -> Sequence[str]:
    """Their names."""
    statement = select(Heartbeat.name).where(
        Heartbeat.tenant_id == tenant_id, Heartbeat.deleted_at.is_(None)
    )
    return (await session.scalars(statement.limit(most))).all()


async def made_for(session: DatabaseSession, parent_id: UUID) -> Sequence[Heartbeat]:
    """What a bound heartbeat has found."""
    statement = select(Heartbeat).where(
        Heartbeat.parent_id == parent_id, Heartbeat.deleted_at.is_(None)
    )
    return (await session.scalars(statement.order_by(Heartbeat.id))).all()


async def count_heartbeats(session: DatabaseSession, workspace_id: UUID) -> int:
    statement = (
        select(func.count())
        .select_from(Heartbeat)
        .where(Heartbeat.workspace_id == workspace_id, Heartbeat.deleted_at.is_(None))
    )
    return await session.scalar(statement) or 0
