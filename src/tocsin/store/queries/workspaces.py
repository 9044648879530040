"""Workspaces: each is made together with its tenant `default`."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from tocsin.model import uuid7
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import Tenant, Workspace

DEFAULT = "default"
"""Slug of the workspace that the first start makes, and of every workspace's first tenant."""


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
            slug=DEFAULT,
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


async def all_workspace_ids(session: DatabaseSession) -> list[UUID]:
    return list(await session.scalars(select(Workspace.id).order_by(Workspace.id)))
