"""Workspaces: each is made together with its tenant `default`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from tocsin.model import DEFAULT_SLUG, uuid7
from tocsin.model.figures import Figure, judged
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, contains_text, fetch_page
from tocsin.store.queries.alert_conditions import LIVE
from tocsin.store.tables import Alert, Integration, Tenant, Workspace

MOST_LIVE: Final = 1_000
"""Live alerts of each workspace are counted up to here."""


async def create_workspace(
    session: DatabaseSession, *, slug: str, name: str, now: datetime
) -> Workspace:
    """Adds a workspace and its tenant `default` to the session's transaction.

    Raises:
        NameTaken: the slug is another's.
    """
    workspace = Workspace(
        id=uuid7(),
        slug=slug,
        name=name,
        fallback_destination_id=None,
        created_at=now,
        updated_at=now,
    )
    await workspace_rows.add(session, workspace)
    await workspace_rows.add(
        session,
        Tenant(
            id=uuid7(),
            workspace_id=workspace.id,
            slug=DEFAULT_SLUG,
            name="Default",
            created_at=now,
            updated_at=now,
        ),
    )
    return workspace


async def find_workspace(session: DatabaseSession, slug: str) -> Workspace | None:
    return await session.scalar(select(Workspace).where(Workspace.slug == slug))


async def read_workspace(session: DatabaseSession, workspace_id: UUID) -> Workspace | None:
    return await session.get(Workspace, workspace_id)


async def page_of_workspaces(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest
) -> RowPage[Workspace]:
    """The one workspace that its callers see."""
    statement = select(Workspace).where(Workspace.id == workspace_id)
    return await fetch_page(session, statement, request, key=Workspace.id, list_name="workspaces")


async def page_of_installation(
    session: DatabaseSession, request: PageRequest, *, q: str | None = None
) -> RowPage[Workspace]:
    """All workspaces there are."""
    statement = select(Workspace).where(*contains_text(q, Workspace.name, Workspace.slug))
    return await fetch_page(
        session, statement, request, key=Workspace.id, list_name="all-workspaces"
    )


@dataclass(frozen=True, slots=True)
class WorkspaceContents:
    """How much is in a workspace."""

    integrations: int
    live_alerts: Figure


async def contents_of(
    session: DatabaseSession, ids: Collection[UUID]
) -> Mapping[UUID, WorkspaceContents]:
    live = (
        select(Alert.id)
        .where(Alert.workspace_id == Workspace.id, Alert.status.in_(LIVE))
        .limit(MOST_LIVE + 1)
        .correlate(Workspace)
        .subquery()
    )
    integrations = (
        select(func.count())
        .select_from(Integration)
        .where(Integration.workspace_id == Workspace.id, Integration.deleted_at.is_(None))
        .correlate(Workspace)
    )
    rows = await session.execute(
        select(
            Workspace.id,
            integrations.scalar_subquery().label("integrations"),
            select(func.count()).select_from(live).scalar_subquery().label("live"),
        ).where(Workspace.id.in_(ids))
    )
    return {
        row.id: WorkspaceContents(row.integrations, judged(row.live, MOST_LIVE, None))
        for row in rows
    }


async def all_workspace_ids(session: DatabaseSession) -> list[UUID]:
    return list(await session.scalars(select(Workspace.id).order_by(Workspace.id)))
