"""What alerts say is copied to where words are looked for, never in the way of webhooks."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final
from uuid import UUID

import structlog

from tocsin.model import utc_now
from tocsin.store.database import RawConnection, connect
from tocsin.store.described import described
from tocsin.store.search_copy import copy_changed, copy_missed, copy_new, make_indexes

BATCH: Final = 100
"""Copied in one step: some 5 ms of the database, for which a webhook may have to wait."""
REVIEWED: Final = 2_000
"""Copies that are looked at in one step."""
EVERY_SECONDS: Final = 1.0
REVIEW_EVERY_SECONDS: Final = 5.0
FAULTY_SECONDS: Final = 30.0
REFUSED_SECONDS: Final = 3_600.0
COST_FACTOR: Final = 10
"""A step that takes long is followed by a longer rest: at most a tenth of the time is spent copying."""
REVIEW_COST_FACTOR: Final = 50

log = structlog.get_logger(__name__)


async def keep_alert_search(url: str) -> None:
    """Forever. A server without trigrams is asked again every hour."""
    while True:
        try:
            async with await connect(url) as connection:
                if await make_indexes(connection):
                    await _keep(connection)
            log.warning(
                "alerts are searched without an index of words",
                what_to_do="CREATE EXTENSION pg_trgm in Tocsin's database, as its owner",
            )
            await asyncio.sleep(REFUSED_SECONDS)
        except Exception as error:
            log.error("cannot copy what alerts say", **described(error))
            await asyncio.sleep(FAULTY_SECONDS)


async def _keep(connection: RawConnection) -> None:
    review = _Review(connection)
    review_due = monotonic()
    while True:
        began = monotonic()
        has_more = await copy_new(connection, utc_now(), BATCH) == BATCH
        rest = COST_FACTOR * (monotonic() - began)
        if not has_more and monotonic() >= review_due:
            review_due = await review.step()
        await asyncio.sleep(rest if has_more else max(rest, EVERY_SECONDS))


class _Review:
    """Live alerts that were missed, then all copies of live ones, some at a time; and again."""

    def __init__(self, connection: RawConnection) -> None:
        self._connection = connection
        self._after: UUID | None = None
        """None: a round begins."""

    async def step(self) -> float:
        """When the next is due."""
        began = monotonic()
        factor = REVIEW_COST_FACTOR
        if self._after is None and await copy_missed(self._connection, BATCH) == BATCH:
            factor = COST_FACTOR
        else:
            after = self._after or UUID(int=0)
            self._after = await copy_changed(self._connection, after, REVIEWED)
        least = 0.0 if self._after is not None else REVIEW_EVERY_SECONDS
        now = monotonic()
        return now + max(least, factor * (now - began))
