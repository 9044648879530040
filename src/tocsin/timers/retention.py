"""Forgetting on time: what expires by itself every minute, what was deleted or is long past every hour,
and records past retention. The node that keeps the clock does it; should two for a moment, each leaves
alone what the other is deleting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from tocsin.model import KeptHistory, utc_now
from tocsin.store.database import connect
from tocsin.store.failures import CONNECTION_ERRORS
from tocsin.store.queries.retention import (
    LOSABLE,
    PLANNER,
    remove_deleted,
    remove_past,
    sweep_expired,
    sweep_old,
)

log = structlog.get_logger(__name__)

SWEEP_EVERY_SECONDS: Final = 60.0
REMOVE_EVERY: Final = timedelta(hours=1)


async def keep_retention(url: str, days: Mapping[KeptHistory, int]) -> None:
    """Sweep, forever: each kind of history is kept for its own number of days. A database that is away
    is asked again at the next turn."""
    removal_due = utc_now()
    while True:
        await asyncio.sleep(SWEEP_EVERY_SECONDS)
        try:
            async with await connect(url) as connection:
                await connection.execute(LOSABLE)
                now = utc_now()
                before = {kind: now - timedelta(days=kept) for kind, kept in days.items()}
                await sweep_expired(connection, now)
                if now >= removal_due:
                    removal_due = now + REMOVE_EVERY
                    await remove_past(connection, before[KeptHistory.OTHER])
                    await remove_deleted(connection, before[KeptHistory.OTHER])
                await connection.execute(PLANNER)
                await sweep_old(connection, before)
        except CONNECTION_ERRORS as error:
            log.warning("sweep.failed", error=type(error).__name__)
