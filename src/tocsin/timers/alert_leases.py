"""Ends of leases: what its sender has stopped repeating is over.

An alert of which posts stopped (its rule was deleted, its Prometheus died) ends only by this. After the
clock has begun to run it waits for as long as senders need to say everything once more, one lost post
included: nobody could have heard them while nothing ran here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.directory import DirectoryFeed
from tocsin.alerts.transaction import AlertTransaction
from tocsin.model import SYSTEM, AlertEventKind, AlertStatus, EventType, iso, utc_now
from tocsin.store import arrays
from tocsin.store.described import described
from tocsin.store.pipe import PLANNER, Pipe, Row
from tocsin.store.reconnecting import Reconnecting
from tocsin.store.statements import prepared

PATIENCE: Final = timedelta(minutes=4)
"""Prometheus repeats itself every two minutes by default."""

BATCH: Final = 200
EVERY_SECONDS: Final = 1.0
FAULTY_SECONDS: Final = 30.0

log = structlog.get_logger(__name__)
_SYSTEM_JSON = msgspec.json.encode(SYSTEM.document())


async def end_leases(
    url: str,
    feed: DirectoryFeed,
    *,
    patience: timedelta = PATIENCE,
    now: Callable[[], datetime] = utc_now,
) -> None:
    """Forever, from `patience` after the beginning on."""
    await asyncio.sleep(patience / timedelta(seconds=1))
    pipes = Reconnecting(lambda: Pipe.open(url, options=PLANNER), pause_seconds=0)
    try:
        while True:
            try:
                while await lapse(await pipes.get(), feed, now()) == BATCH:
                    pass
                await asyncio.sleep(EVERY_SECONDS)
            except Exception as error:
                await pipes.close()  # and with it the transaction
                log.error("cannot end alerts whose leases have run out", **described(error))
                await asyncio.sleep(FAULTY_SECONDS)
    finally:
        await pipes.close()


async def lapse(pipe: Pipe, feed: DirectoryFeed, now: datetime) -> int:
    """End, in one transaction, alerts whose leases have all run out. Returns how many leases were due,
    at most `BATCH`.

    Raises:
        psycopg.Error: nothing was done; what is due is still due.
    """
    (due,) = await pipe.run((prepared("due_leases"), {"now": now, "most": BATCH}))
    if not due:
        return 0
    ids = sorted({row.alert_id.bytes for row in due})
    keys = {
        AlertKey(row.integration_id.bytes, row.external_id)
        for row in due
        if row.external_id is not None
    }
    transaction = AlertTransaction(pipe, feed, now)
    _, stored = await transaction.begin(sorted(keys), alert_ids=ids)
    # Read again under the locks: a repeat may have come meanwhile.
    given = {"alert_ids": arrays.uuids(ids)}
    ends = _ends(await transaction.run((prepared("read_leases"), given)), now)
    for alert in stored.values():
        ended_at = ends.get(alert.state.id)
        if ended_at is None or not alert.state.status.is_live:
            continue
        state = alert.state
        state.status, state.resolved_at = AlertStatus.RESOLVED, max(ended_at, state.triggered_at)
        transaction.move(
            alert,
            AlertEventKind.RESOLVED,
            EventType.RESOLVED,
            was_live=True,
            actor_name=alert.entry.name,
            actor_json=_SYSTEM_JSON,
            detail={"because": "its sender stopped repeating it", "lease_ended": iso(ended_at)},
        )
    await transaction.plan()
    await transaction.commit((prepared("forget_leases"), {**given, "now": now}))
    return len(due)


def _ends(leases: list[Row], now: datetime) -> dict[bytes, datetime]:
    """By alert of which every lease has run out: when the last one ended."""
    ends: dict[bytes, datetime] = {}
    lasting = {row.alert_id.bytes for row in leases if row.lapses_at > now}
    for row in leases:
        alert_id = row.alert_id.bytes
        if alert_id not in lasting:
            ends[alert_id] = max(ends.get(alert_id, row.ends_at), row.ends_at)
    return ends
