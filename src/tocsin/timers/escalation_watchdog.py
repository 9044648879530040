"""The watchdog: every node looks whether escalations go on, whoever keeps the clock.

If they do not (the leader hangs, one alert cannot be acted on), that is said in the log and in a number,
and the fallback is notified of the alerts concerned.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from prometheus_client import Gauge

from tocsin.model import iso, utc_now, uuid7
from tocsin.store.described import described
from tocsin.store.escalation_watch import EscalationWatch
from tocsin.store.reconnecting import Reconnecting

TOLERATED = timedelta(minutes=1)
EVERY_SECONDS = 15.0
MOST = 200
"""Alerts of which the fallback is notified at a time."""

OVERDUE = Gauge(
    "tocsin_escalations_overdue",
    "Escalations that should have gone on more than a minute ago.",
    multiprocess_mode="mostrecent",
)

log = structlog.get_logger(__name__)


async def watch_escalations(url: str) -> None:
    """Forever."""

    async def watch(connection: EscalationWatch) -> None:
        while True:
            await look(connection, utc_now())
            await asyncio.sleep(EVERY_SECONDS)

    await Reconnecting(lambda: EscalationWatch.open(url)).forever(
        watch, failed=lambda error: log.warning("cannot watch escalations", **described(error))
    )


async def look(connection: EscalationWatch, now: datetime) -> None:
    """One look."""
    before = now - TOLERATED
    found = await connection.overdue(before)
    OVERDUE.set(found.count)
    if found.count and found.since is not None:
        told = await connection.notify_fallback(before, now, [uuid7() for _ in range(MOST)])
        log.error(
            "escalations are overdue",
            count=found.count,
            oldest_due=iso(found.since),
            fallback_notified=told,
        )
