"""When each kind of history was swept last, and how much that deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import psycopg
from sqlalchemy import select

from tocsin.model import KeptHistory
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import StoredRetentionPass

_BEGIN = """
    INSERT INTO retention_passes (kind, began_at) VALUES (%(kind)s, clock_timestamp())
    ON CONFLICT (kind) DO UPDATE SET began_at = excluded.began_at, ended_at = NULL
"""

_END = """
    UPDATE retention_passes
    SET ended_at = clock_timestamp(), deleted = %(deleted)s,
        last_deleted_at = CASE WHEN %(deleted)s > 0 THEN clock_timestamp() ELSE last_deleted_at END,
        last_deleted = CASE WHEN %(deleted)s > 0 THEN %(deleted)s ELSE last_deleted END
    WHERE kind = %(kind)s
"""


@dataclass(frozen=True, slots=True)
class RetentionPass:
    """`ended_at` None: it is under way, or was broken off. `deleted` is what the newest that has ended
    deleted; `last_deleted` what the newest did that found anything."""

    began_at: datetime
    ended_at: datetime | None
    deleted: int
    last_deleted_at: datetime | None
    last_deleted: int


async def begin_pass(connection: psycopg.AsyncConnection, kind: KeptHistory) -> None:
    await connection.execute(_BEGIN, {"kind": kind.value})


async def end_pass(connection: psycopg.AsyncConnection, kind: KeptHistory, deleted: int) -> None:
    await connection.execute(_END, {"kind": kind.value, "deleted": deleted})


async def newest_passes(session: DatabaseSession) -> Mapping[KeptHistory, RetentionPass]:
    """Of each kind that was ever swept."""
    rows = await session.scalars(select(StoredRetentionPass))
    return {
        KeptHistory(row.kind): RetentionPass(
            row.began_at, row.ended_at, row.deleted, row.last_deleted_at, row.last_deleted
        )
        for row in rows
    }
