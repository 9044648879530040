"""Invitations: listed, and found by the hash of the token in their link."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import Invitation


async def page_of_invitations(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest
) -> RowPage[Invitation]:
    statement = select(Invitation).where(Invitation.workspace_id == workspace_id)
    return await fetch_page(session, statement, request, key=Invitation.id, list_name="invitations")


async def count_open_invitations(
    session: DatabaseSession, workspace_id: UUID, now: datetime
) -> int:
    statement = select(func.count()).where(
        Invitation.workspace_id == workspace_id,
        Invitation.accepted_at.is_(None),
        Invitation.expires_at > now,
    )
    return await session.scalar(statement) or 0


async def find_invitation(session: DatabaseSession, token_hash: bytes) -> Invitation | None:
    return await session.scalar(select(Invitation).where(Invitation.token_hash == token_hash))


async def lock_invitation(session: DatabaseSession, token_hash: bytes) -> Invitation | None:
    """Locked until the commit: it is accepted once."""
    return await session.scalar(
        select(Invitation).where(Invitation.token_hash == token_hash).with_for_update()
    )
