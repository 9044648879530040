"""Heartbeats that are due, and the alerts that begin and end with them.

Two steps, each a transaction of its own: what is due goes down, and the change is written; a change that
waits, from here or from a ping, opens or resolves its alert. Whoever dies in between leaves changes that
wait, and whoever takes over finds them; each is claimed under its lock, so none counts twice.

A hub that was away must not find everybody missing: what fell due, or was expected, while nobody watched
gets time to ping. What is lost together has one alert (`heartbeat_losses.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from copy import copy
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.changes import Cause
from tocsin.alerts.directory import DirectoryFeed
from tocsin.alerts.transaction import AlertTransaction
from tocsin.heartbeats.beat import HeartbeatState, expire, reschedule, resume
from tocsin.heartbeats.rows import (
    HeartbeatChangeRow,
    KnownHeartbeat,
    change_row,
    expectation_of,
    known_of,
    writes,
)
from tocsin.heartbeats.watch import AWAY_AFTER, LeaderWatch
from tocsin.model import utc_now
from tocsin.store import arrays
from tocsin.store.described import described
from tocsin.store.failures import CONNECTION_LOST
from tocsin.store.heartbeat_news import HeartbeatNews
from tocsin.store.pipe import BEGIN, COMMIT, PLANNER, Pipe
from tocsin.store.reconnecting import Reconnecting
from tocsin.store.statements import prepared
from tocsin.timers.heartbeat_alerts import WaitingChange, detail_of, external_id, signal_of
from tocsin.timers.heartbeat_losses import (
    begin_losses,
    end_losses,
    loss_key,
    mark_lost,
    move_losses,
)
from tocsin.timers.timezone_data import timezone_data

BATCH = 200
"""Heartbeats, or changes, in one transaction."""

WATCH_EVERY = timedelta(seconds=5)
"""So often is it written down that somebody watches."""

LONGEST_WAIT_SECONDS = 1.0
SHORTEST_WAIT_SECONDS = 0.05

FAULTY_FOR_SECONDS = 60.0
"""After this a heartbeat whose alert could not be changed is tried again."""

log = structlog.get_logger(__name__)


async def keep_heartbeats(
    url: str, feed: DirectoryFeed, now: Callable[[], datetime] = utc_now
) -> None:
    """Forever, on the node that keeps the clock."""
    work = HeartbeatWork(url, feed)

    async def keep(news: HeartbeatNews) -> None:
        while True:
            await work.work(now())
            await news.wait(await _seconds(news, now()))

    try:
        await Reconnecting(lambda: HeartbeatNews.open(url)).forever(
            keep, failed=lambda error: log.error("heartbeats are not watched", **described(error))
        )
    finally:
        await work.close()


async def _seconds(news: HeartbeatNews, now: datetime) -> float:
    state = await news.state()
    if state.next_look is None:
        return LONGEST_WAIT_SECONDS
    seconds = (state.next_look - now) / timedelta(seconds=1)
    return min(LONGEST_WAIT_SECONDS, max(seconds, SHORTEST_WAIT_SECONDS))


class HeartbeatWork:
    """One per leader, over a connection of its own."""

    def __init__(
        self,
        url: str,
        feed: DirectoryFeed,
        *,
        batch: int = BATCH,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pipe = Reconnecting(lambda: Pipe.open(url, options=PLANNER), pause_seconds=0)
        self._feed = feed
        self._batch = batch
        self._steady = steady
        self._seen = LeaderWatch()
        self._noted_at: datetime | None = None
        self._faulty: dict[UUID, float] = {}

    async def close(self) -> None:
        await self._pipe.close()

    async def work(self, now: datetime) -> None:
        """Do all that there is to do at `now`.

        Raises:
            psycopg.Error: the database went away; what is not done is still to be done.
        """
        try:
            if self._seen.looked_at is None:
                await self._begin(timezone_data(), now)
            await self._watch(now)
            pipe = await self._pipe.get()
            is_lossy = await begin_losses(pipe, now)
            while await self._look(now, is_lossy=is_lossy) == self._batch:
                pass
            await end_losses(pipe, self._feed, now)
            while await self._settle(now) == self._batch:
                pass
        except CONNECTION_LOST:
            await self._pipe.close()
            raise

    async def _watch(self, now: datetime) -> None:
        """Write down that somebody watches, and notice when nobody did."""
        seen = copy(self._seen)
        before = seen.looked_at
        nobody_watched = seen.look(now, self._steady())
        if nobody_watched or self._noted_at is None or abs(now - self._noted_at) >= WATCH_EVERY:
            pipe = await self._pipe.get()
            noting = (prepared("note_heartbeat_watch"), {"now": now})
            _, (row,) = await pipe.run((BEGIN, {}), noting)
            if before is None and row.watched_until is not None:
                before = row.watched_until
                nobody_watched = now - before > AWAY_AFTER
            if before is not None and nobody_watched:
                await self._give_time(pipe, before, now)
            await pipe.run((COMMIT, {}))
            self._noted_at = now
        # Not before: what could not be done for want of a database is found again by the next look.
        self._seen = seen

    async def _give_time(self, pipe: Pipe, before: datetime, now: datetime) -> None:
        ((row,),) = await pipe.run((prepared("give_heartbeats_time"), {"now": now}))
        if row.given:
            log.warning(
                "nobody watched heartbeats for a while, or the clock was put forward; "
                "those expected meanwhile get time to ping",
                heartbeats=row.given,
                seconds=round((now - before).total_seconds()),
            )

    async def _begin(self, data: str, now: datetime) -> None:
        """Where the rules of time zones have changed, work out again when pings are expected.
        They do not change while a process runs."""
        pipe = await self._pipe.get()
        (rows,) = await pipe.run((prepared("heartbeat_timezone_data"), {}))
        before = rows[0].timezone_data if rows else None
        # Nobody knows what was in force before the first note.
        if before not in (None, data):
            moved = await self._reschedule(pipe, now)
            log.info("time zones have other rules than before", version=data, heartbeats=moved)
        await self._watch(now)
        await pipe.run((prepared("note_timezone_data"), {"data": arrays.text(data)}))

    async def _reschedule(self, pipe: Pipe, now: datetime) -> int:
        """How many are expected at another time than before."""
        after, moved = bytes(16), 0
        while True:
            asked = {"after": after, "most": self._batch}
            _, rows = await pipe.run((BEGIN, {}), (prepared("heartbeats_by_clock"), asked))
            heartbeats: list[KnownHeartbeat] = []
            changes: list[HeartbeatChangeRow] = []
            for row in rows:
                known = known_of(row)
                due_before = known.beat.due_at
                change = reschedule(expectation_of(row), known.beat, now)
                if change is not None:
                    changes.append(change_row(known.id, change))
                elif known.beat.due_at == due_before:
                    continue
                known.look_at = known.needs_look_at
                heartbeats.append(known)
            await pipe.run(*writes(heartbeats, changes), (COMMIT, {}))
            moved += len(heartbeats)
            if len(rows) < self._batch:
                return moved
            after = rows[-1].heartbeat_id.bytes

    async def _look(self, now: datetime, *, is_lossy: bool = False) -> int:
        """Look at those for which it is time; how many were looked at."""
        pipe = await self._pipe.get()
        _, rows = await pipe.run(
            (BEGIN, {}), (prepared("lock_due_heartbeats"), {"now": now, "most": self._batch})
        )
        heartbeats: list[KnownHeartbeat] = []
        changes: list[HeartbeatChangeRow] = []
        down: list[bytes] = []
        for row in rows:
            known = known_of(row)
            heartbeats.append(known)
            beat = known.beat
            if beat.state is HeartbeatState.PAUSED:
                change = resume(expectation_of(row), beat, now)
                known.paused_until = None
            else:
                change = expire(beat, now)
                if change is not None:
                    down.append(known.id)
            if change is not None:
                changes.append(change_row(known.id, change))
            known.look_at = known.needs_look_at
        marks = [mark_lost(down)] if is_lossy and down else []
        await pipe.run(*writes(heartbeats, changes), *marks, (COMMIT, {}))
        return len(heartbeats)

    async def _settle(self, now: datetime) -> int:
        """Open and resolve the alerts of changes that wait; how many were found waiting."""
        pipe = await self._pipe.get()
        (rows,) = await pipe.run(
            (
                prepared("waiting_heartbeat_changes"),
                {"most": self._batch, "except_ids": arrays.uuids(self._apart())},
            )
        )
        if rows:
            await self._apply([WaitingChange.of(row) for row in rows], now)
        return len(rows)

    async def _apply(self, waiting: Sequence[WaitingChange], now: datetime) -> None:
        """In one transaction; where that fails, one by one, so that a faulty one does not hold the
        others."""
        try:
            await self._transaction(waiting, now)
        except CONNECTION_LOST:
            raise
        except Exception as error:
            await self._pipe.close()  # and with it the transaction
            if len(waiting) > 1:
                for each in waiting:
                    if each.row.heartbeat_id not in self._faulty:
                        await self._apply([each], now)
                return
            heartbeat_id = waiting[0].row.heartbeat_id
            self._faulty[heartbeat_id] = time.monotonic() + FAULTY_FOR_SECONDS
            log.error(
                "cannot change the alert of a heartbeat",
                heartbeat_id=str(heartbeat_id),
                **described(error),
            )

    async def _transaction(self, waiting: Sequence[WaitingChange], now: datetime) -> None:
        keys = {
            AlertKey(each.row.integration_id.bytes, external_id(each.row.heartbeat_id))
            for each in waiting
            if not each.is_of_loss
        }
        lost = [each for each in waiting if each.is_of_loss]
        keys |= {loss_key(each.row.integration_id, each.row.tenant_id) for each in lost}
        transaction = AlertTransaction(await self._pipe.get(), self._feed, now)
        ids = arrays.uuids([each.row.id.bytes for each in waiting])
        claim = (prepared("claim_heartbeat_changes"), {"ids": ids, "now": now})
        (claimed,), _ = await transaction.begin(list(keys), claim)
        ours = {row.id for row in claimed}
        for each in waiting:
            if each.row.id not in ours or each.is_of_loss:
                continue
            directory = transaction.directory
            entry = directory.integrations[each.row.integration_id]
            tenant = directory.tenants[each.row.tenant_id].slug
            signal = signal_of(each, tenant if tenant in entry.tenants else None)
            # Clocks of nodes differ, and go back: a resolve must not look older than its trigger.
            cause = Cause(max(now, each.change.at), now, webhook_delivery_id=None, in_order=True)
            transaction.apply(entry, signal, cause, detail_of(each))
        if claimed_ones := [each for each in lost if each.row.id in ours]:
            await move_losses(transaction, claimed_ones, now)
        await transaction.plan()
        await transaction.commit()

    def _apart(self) -> list[bytes]:
        now = time.monotonic()
        self._faulty = {id: until for id, until in self._faulty.items() if until > now}
        return [id.bytes for id in self._faulty]
