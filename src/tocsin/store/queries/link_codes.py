"""Wrong codes typed at links, counted over all nodes."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import LinkCode


async def wrong_codes(session: DatabaseSession, token_digest: UUID) -> int:
    """How many were typed at this link."""
    statement = select(LinkCode.wrong_count).where(LinkCode.token_digest == token_digest)
    return await session.scalar(statement) or 0


async def count_try(
    session: DatabaseSession, token_digest: UUID, expires_at: datetime, most: int
) -> int:
    """Counts one more, up to `most`, and returns how many it makes; those of a time that is over do not
    count any more."""
    is_over = LinkCode.expires_at <= func.now()
    tries = await session.scalar(
        insert(LinkCode)
        .values(token_digest=token_digest, wrong_count=1, expires_at=expires_at)
        .on_conflict_do_update(
            index_elements=[LinkCode.token_digest],
            set_={
                "wrong_count": case((is_over, 1), else_=func.least(LinkCode.wrong_count + 1, most)),
                "expires_at": case((is_over, expires_at), else_=LinkCode.expires_at),
            },
        )
        .returning(LinkCode.wrong_count)
    )
    return tries or 0


async def forget_tries(session: DatabaseSession, token_digest: UUID) -> None:
    await session.execute(delete(LinkCode).where(LinkCode.token_digest == token_digest))
