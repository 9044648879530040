"""Workspaces: each is made together with its tenant `default`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.model import uuid7
from tocsin.store.tables import Tenant, Workspace

DEFAULT = "default"
"""Slug of the workspace that the first start makes, and of every workspace's first tenant."""


async def create_workspace(
    session: AsyncSession, *, slug: str, name: str, now: datetime
) -> Workspace:
    """Adds a workspace and its tenant `default` to the session's transaction.

    Raises:
        sqlalchemy.exc.IntegrityError: if the slug is taken.
    """
    workspace = Workspace(
        id=uuid7(),
        slug=slug,
        name=name,
        fallback_destination_id=None,
        created_at=now,
        updated_at=now,
    )
    session.add(workspace)
    await session.flush()
    session.add(
        Tenant(
            id=uuid7(),
            workspace_id=workspace.id,
            slug=DEFAULT,
            name="Default",
            created_at=now,
            updated_at=now,
        )
    )
    await session.flush()
    return workspace


async def find_workspace(session: AsyncSession, slug: str) -> Workspace | None:
    return await session.scalar(select(Workspace).where(Workspace.slug == slug))
