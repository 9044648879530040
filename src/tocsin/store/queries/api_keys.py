"""API keys: listed, and found by the hash of what a caller sends."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import ApiKey


async def page_of_api_keys(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest
) -> RowPage[ApiKey]:
    statement = select(ApiKey).where(ApiKey.workspace_id == workspace_id)
    return await fetch_page(session, statement, request, key=ApiKey.id, list_name="api-keys")


@dataclass(frozen=True, slots=True)
class KnownKey:
    id: UUID
    name: str
    workspace_id: UUID
    role: str
    key_hash: bytes
    expires_at: datetime | None
    last_used_at: datetime | None


async def find_key_by_hash(session: DatabaseSession, key_hash: bytes) -> KnownKey | None:
    columns = (getattr(ApiKey, each.name) for each in fields(KnownKey))
    statement = select(*columns).where(ApiKey.key_hash == key_hash)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else KnownKey(**row._mapping)


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
