"""API keys: listed, and found by the hash of what a caller sends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, equal, fetch_page
from tocsin.store.tables import ApiKey, Membership, User


async def page_of_api_keys(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    user_id: UUID | None = None,
) -> RowPage[ApiKey]:
    """All of a workspace, or those of one person there."""
    statement = select(ApiKey).where(
        ApiKey.workspace_id == workspace_id, *equal((ApiKey.user_id, user_id))
    )
    return await fetch_page(session, statement, request, key=ApiKey.id, list_name="api-keys")


@dataclass(frozen=True, slots=True)
class KnownKey:
    """`member_role` is that of the person whose key it is; None if they are disabled or no member."""

    id: UUID
    name: str
    workspace_id: UUID
    role: str
    key_hash: bytes
    expires_at: datetime | None
    last_used_at: datetime | None
    user_id: UUID | None
    user_name: str | None
    member_role: str | None


async def find_key_by_hash(session: DatabaseSession, key_hash: bytes) -> KnownKey | None:
    is_member = (
        (Membership.user_id == User.id)
        & (Membership.workspace_id == ApiKey.workspace_id)
        & User.is_active
    )
    statement = (
        select(
            ApiKey.id,
            ApiKey.name,
            ApiKey.workspace_id,
            ApiKey.role,
            ApiKey.key_hash,
            ApiKey.expires_at,
            ApiKey.last_used_at,
            ApiKey.user_id,
            User.name.label("user_name"),
            Membership.role.label("member_role"),
        )
        .outerjoin(User, User.id == ApiKey.user_id)
        .outerjoin(Membership, is_member)
        .where(ApiKey.key_hash == key_hash)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else KnownKey(**row._mapping)


async def delete_personal_keys(session: DatabaseSession, workspace_id: UUID, user_id: UUID) -> None:
    await session.execute(
        delete(ApiKey).where(ApiKey.workspace_id == workspace_id, ApiKey.user_id == user_id)
    )


async def note_use_of_key(
    session: DatabaseSession, key_id: UUID, now: datetime, unless_after: datetime
) -> None:
    """Commits that the key was used now, unless a use after `unless_after` is on record."""
    await session.execute(
        update(ApiKey)
        .where(
            ApiKey.id == key_id,
            (ApiKey.last_used_at.is_(None)) | (ApiKey.last_used_at <= unless_after),
        )
        .values(last_used_at=now)
    )
    await session.commit()
