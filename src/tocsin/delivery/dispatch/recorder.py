"""Outcomes go on record in groups: while one statement is in flight, the next group gathers.

No timer: a lone outcome is written at once, and under load a statement takes hundreds. What cannot
be written (the database is away) is kept and tried again, protected by the leases.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from tocsin.delivery.dispatch import metrics, trouble
from tocsin.delivery.dispatch.row_update import (
    Result,
    RowUpdate,
    TooLate,
    decide,
    failures_of,
    reached_by,
)
from tocsin.delivery.outcome import Failed, Retry
from tocsin.model import AlertDeliveryStatus, EventType, Severity
from tocsin.store.delivery_queue import (
    AttemptRecord,
    Claimed,
    DeliveryQueue,
    FallbackCandidate,
    HeldDestination,
)
from tocsin.store.described import described
from tocsin.store.failures import CONNECTION_ERRORS, CONNECTION_LOST
from tocsin.store.reconnecting import Reconnecting

GROUP_LIMIT = 500
FALLBACK_AFTER_SECONDS = 600.0
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 10.0

_REFUSED: tuple[type[Exception], ...] = (
    *CONNECTION_ERRORS,
    UnicodeError,
    TypeError,
    ValueError,
)
"""The database cannot take what it was given."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Done:
    """One delivery that is finished here. Times are monotonic seconds; `began` None: no attempt."""

    claimed: Claimed
    channel: str
    destination: str
    """Its name, for people."""
    result: Result
    claimed_at: float
    began: float | None = None
    ended: float = 0.0


class Recorder:
    def __init__(
        self,
        open_queue: Callable[[], Awaitable[DeliveryQueue]],
        recorded: Callable[[Sequence[Done]], None],
        *,
        fallback_after: float = FALLBACK_AFTER_SECONDS,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._open_queue = open_queue
        self._recorded = recorded
        self._fallback_after = fallback_after
        self._dice = dice
        self._waiting: list[Done] = []
        self._arrived = asyncio.Event()
        self._closing = False
        self._close_by = 0.0

    def put(self, done: Done) -> None:
        self._waiting.append(done)
        self._arrived.set()

    def is_behind(self, seconds: float) -> bool:
        """Whether an outcome has waited for so long to be put on record."""
        return bool(self._waiting) and time.monotonic() - self._waiting[0].ended > seconds

    def close(self) -> None:
        """`run` returns once everything is on record, or the database has been away for long."""
        self._closing = True
        self._close_by = time.monotonic() + _PATIENCE_SECONDS
        self._arrived.set()

    async def run(self) -> None:
        connection = Reconnecting(self._open_queue, pause_seconds=_PAUSE_SECONDS)
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    group = self._waiting[:GROUP_LIMIT]
                    try:
                        await self._write(await connection.get(), group)
                    except Exception as error:
                        log.error("cannot record outcomes, trying again", **described(error))
                        if self._closing and time.monotonic() > self._close_by:
                            # The leases run out, and others will find the attempts unknown.
                            log.error("outcomes stay unrecorded", count=len(self._waiting))
                            return
                        await connection.back_off()
                        continue
                    del self._waiting[: len(group)]
                    self._recorded(group)
                if self._closing:
                    return
        finally:
            await connection.close()

    async def _write(self, queue: DeliveryQueue, group: Sequence[Done]) -> None:
        """One bad outcome (a character that PostgreSQL refuses) never fails its neighbours."""
        try:
            await self._write_together(queue, group)
        except CONNECTION_LOST:
            raise
        except _REFUSED as error:
            if len(group) > 1:
                for done in group:
                    await self._write(queue, [done])
                return
            log.error("an outcome cannot be stored in full", **described(error))
            await self._write_together(queue, group, bare=True)

    async def _write_together(
        self, queue: DeliveryQueue, group: Sequence[Done], *, bare: bool = False
    ) -> None:
        now = time.monotonic()
        updates = [
            decide(done.claimed, done.result, elapsed=now - done.claimed_at, dice=self._dice())
            for done in group
        ]
        records = [
            _record(done, update, now, bare) for done, update in zip(group, updates, strict=True)
        ]
        results = [(done.claimed, done.result) for done in group]
        failures, reached = failures_of(results), reached_by(results)
        held: list[HeldDestination] = []
        candidates = _fallback_candidates(group, updates)
        carriers = _ended_carriers(group, updates)
        if failures or candidates or carriers:
            async with queue.transaction():
                ours = await queue.record(records, reached)
                if carriers:
                    await queue.settle_carried(carriers)
                held = await queue.record_failures(failures)
                made = await queue.notify_fallback(candidates, self._fallback_after)
            metrics.FALLBACKS.inc(made)
        else:
            ours = await queue.record(records, reached)
        _say(group, updates, ours, held)
        for done in group:
            if isinstance(done.result, Failed) and done.result.disables_destination:
                id = done.claimed.alert_destination_id
                if await queue.disable(id):
                    trouble.say_disabled(
                        done.destination, id, done.result.code, done.result.message
                    )
        _count(group, updates, ours)


def _say(
    group: Sequence[Done],
    updates: Sequence[RowUpdate],
    ours: set[UUID],
    held: Sequence[HeldDestination],
) -> None:
    """The trouble of a group that is on record now, in the log."""
    last: dict[UUID, RowUpdate] = {}
    for done, update in zip(group, updates, strict=True):
        if isinstance(done.result, Retry | Failed):
            last[done.claimed.alert_destination_id] = update
        gives_up = update.status is AlertDeliveryStatus.FAILED and done.claimed.id in ours
        if gives_up and done.claimed.event_type != EventType.TEST:
            trouble.say_given_up(done.claimed, done.destination, update.code, update.message)
    for destination in held:
        update = last[destination.id]
        trouble.say_held(destination, update.code, update.message)


def _record(done: Done, update: RowUpdate, now: float, bare: bool) -> AttemptRecord:
    began = now if done.began is None else done.began
    detail: dict[str, Any] | None = None
    if update.confirmed is False:
        detail = {"confirmed": False}
    return AttemptRecord(
        id=done.claimed.id,
        number=done.claimed.attempt_count,
        destination=done.claimed.alert_destination_id,
        status=update.status,
        outcome=update.outcome,
        delay=update.delay,
        http_status=update.http_status,
        code=update.code,
        message=None if bare else update.message,
        age_ms=(now - began) * 1000,
        duration_ms=max(0, round((done.ended - began) * 1000)) if done.began is not None else 0,
        progress=None if bare or update.progress is None else dict(update.progress),
        detail=detail,
        reason=update.reason,
    )


def _ended_carriers(group: Sequence[Done], updates: Sequence[RowUpdate]) -> list[UUID]:
    """Messages about several alerts that came to their end."""
    return [
        done.claimed.id
        for done, update in zip(group, updates, strict=True)
        if done.claimed.carries_others and update.status is not AlertDeliveryStatus.QUEUED
    ]


def _fallback_candidates(
    group: Sequence[Done], updates: Sequence[RowUpdate]
) -> list[FallbackCandidate]:
    """Every page and every CRITICAL message given up, and one failure of each destination: whether that
    has been failing for long enough is the database's to say."""
    candidates = []
    seen = set()
    for done, update in zip(group, updates, strict=True):
        claimed = done.claimed
        if claimed.event_type == EventType.TEST or update.status is AlertDeliveryStatus.SENT:
            continue
        if update.outcome is None and not isinstance(done.result, TooLate):
            continue
        given_up = update.status is AlertDeliveryStatus.FAILED
        about = claimed.payload.get("group") or claimed.payload.get("alert") or {}
        critical = given_up and (claimed.is_page or about.get("severity") == Severity.CRITICAL)
        broken = isinstance(done.result, Failed) and done.result.disables_destination
        if critical or broken or claimed.alert_destination_id not in seen:
            seen.add(claimed.alert_destination_id)
            candidates.append(FallbackCandidate(id=claimed.id, given_up=given_up, broken=broken))
    return candidates


def _count(group: Sequence[Done], updates: Sequence[RowUpdate], ours: set[Any]) -> None:
    for done, update in zip(group, updates, strict=True):
        if update.outcome is not None:
            metrics.ATTEMPTS.labels(done.channel, update.outcome).inc()
        if done.began is not None:
            metrics.SEND_SECONDS.labels(done.channel).observe(max(0.0, done.ended - done.began))
        if done.claimed.id not in ours:
            metrics.LOST_LEASES.inc()
            log.warning("lost the lease of a delivery", alert_delivery_id=str(done.claimed.id))
        elif update.status is not AlertDeliveryStatus.QUEUED:
            metrics.FINISHED.labels(done.channel, update.status).inc()
            if update.status is AlertDeliveryStatus.SENT and done.claimed.attempt_count == 1:
                waited = done.claimed.waited + done.ended - done.claimed_at
                metrics.LATENCY.labels(done.channel).observe(max(0.0, waited))
