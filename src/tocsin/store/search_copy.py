"""The copy of what alerts say, by which words are found: made, kept up to date, and its index."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

import psycopg
from psycopg.rows import scalar_row

from tocsin.model.ids import uuid7_at_least
from tocsin.store.database import RawConnection
from tocsin.store.statements import statement

LATEST_COMMIT: Final = timedelta(seconds=10)
"""So long after its id was made may an alert be committed, clocks that differ included. One that is
later yet is copied with those that were missed."""

_INDEXES = """
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX IF NOT EXISTS ix_alert_search_words_live ON alert_search
        USING gin (words gin_trgm_ops) WHERE is_live;
    CREATE INDEX IF NOT EXISTS ix_alert_search_words_over ON alert_search
        USING gin (words gin_trgm_ops) WHERE NOT is_live
"""
_REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedFile,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.UndefinedObject,
)


async def make_indexes(connection: RawConnection) -> bool:
    """Whether there are indexes of words now; without them nothing is to be copied."""
    row = await connection.execute("SELECT to_regclass('ix_alert_search_words_over') IS NOT NULL")
    if (found := await row.fetchone()) is not None and found[0]:
        return True
    try:
        await connection.execute(_INDEXES)
    except _REFUSED:
        return False
    return True


async def copy_new(connection: RawConnection, now: datetime, most: int) -> int:
    """Of the alerts that have no copy the `most` oldest; their number."""
    before = uuid7_at_least(now - LATEST_COMMIT)
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(statement("copy_new_words"), {"before": before, "most": most})
    return cast(int, await cursor.fetchone() or 0)


async def copy_missed(connection: RawConnection, most: int) -> int:
    """Of live alerts whose copy is missing, `most`; their number."""
    cursor = await connection.execute(statement("copy_missed_words"), {"most": most})
    return cursor.rowcount


async def copy_changed(connection: RawConnection, after: UUID, most: int) -> UUID | None:
    """Looks at the next `most` copies of live alerts, and makes those again that are no longer true. The
    place to go on from; None at the end."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(statement("copy_changed_words"), {"after": after, "most": most})
    return cast("UUID | None", await cursor.fetchone())
