"""Outcomes go on record in groups: while one statement is in flight, the next group gathers.

No timer: a lone outcome is written at once, and under load a statement takes hundreds. What cannot
be written (the database is away) is kept and tried again; the leases keep others off meanwhile.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog

from tocsin.delivery.dispatch import metrics
from tocsin.delivery.dispatch.row_update import Expired, Result, Verdict, decide, failures_of
from tocsin.delivery.outcome import Failed
from tocsin.model import EventType, Severity
from tocsin.store.delivery_queue import Claimed, DeliveryQueue, FallbackCandidate, Record
from tocsin.store.described import described
from tocsin.store.reconnecting import Reconnecting

GROUP_LIMIT = 500
FALLBACK_AFTER_SECONDS = 600.0
_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 10.0
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError)
"""The connection or the server is gone, or we were the victim of a deadlock: try again."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Done:
    """One delivery that leaves our hands. Times are monotonic seconds; `began` None: no attempt."""

    claimed: Claimed
    channel: str
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
                        await connection.mend()
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
        except _AWAY:
            raise
        except (psycopg.Error, UnicodeError, TypeError, ValueError) as error:
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
        verdicts = [
            decide(done.claimed, done.result, elapsed=now - done.claimed_at, dice=self._dice())
            for done in group
        ]
        records = [
            _record(done, verdict, now, bare) for done, verdict in zip(group, verdicts, strict=True)
        ]
        failures = failures_of([(done.claimed, done.result) for done in group])
        candidates = _fallback_candidates(group, verdicts)
        if failures or candidates:
            async with queue.transaction():
                ours = await queue.record(records)
                await queue.record_failures(failures)
                told = await queue.tell_fallback(candidates, self._fallback_after)
            metrics.FALLBACKS.inc(told)
        else:
            ours = await queue.record(records)
        for done in group:
            if isinstance(done.result, Failed) and done.result.disables_destination:
                await self._disable(queue, done)
        _count(group, verdicts, ours)

    async def _disable(self, queue: DeliveryQueue, done: Done) -> None:
        if await queue.disable(done.claimed.alert_destination_id):
            log.warning(
                "disabled a destination that is gone for good",
                destination=str(done.claimed.alert_destination_id),
            )


def _record(done: Done, verdict: Verdict, now: float, bare: bool) -> Record:
    began = now if done.began is None else done.began
    detail: dict[str, Any] | None = None
    if verdict.confirmed is False:
        detail = {"confirmed": False}
    return Record(
        id=done.claimed.id,
        number=done.claimed.attempt_count,
        destination=done.claimed.alert_destination_id,
        status=verdict.status,
        outcome=verdict.outcome,
        delay=verdict.delay,
        http_status=verdict.http_status,
        code=verdict.code,
        message=None if bare else verdict.message,
        age_ms=(now - began) * 1000,
        duration_ms=max(0, round((done.ended - began) * 1000)) if done.began is not None else 0,
        progress=None if bare or verdict.progress is None else dict(verdict.progress),
        detail=detail,
    )


def _fallback_candidates(
    group: Sequence[Done], verdicts: Sequence[Verdict]
) -> list[FallbackCandidate]:
    """Every CRITICAL message given up, and one failure of each destination: whether that has been
    failing for long enough is the database's to say."""
    candidates = []
    seen = set()
    for done, verdict in zip(group, verdicts, strict=True):
        claimed = done.claimed
        if claimed.event_type == EventType.TEST or verdict.status == "sent":
            continue
        if verdict.outcome is None and not isinstance(done.result, Expired):
            continue
        given_up = verdict.status == "failed"
        alert = claimed.payload.get("alert") or {}
        critical = given_up and alert.get("severity") == Severity.CRITICAL
        broken = isinstance(done.result, Failed) and done.result.disables_destination
        if critical or broken or claimed.alert_destination_id not in seen:
            seen.add(claimed.alert_destination_id)
            candidates.append(FallbackCandidate(id=claimed.id, given_up=given_up, broken=broken))
    return candidates


def _count(group: Sequence[Done], verdicts: Sequence[Verdict], ours: set[Any]) -> None:
    for done, verdict in zip(group, verdicts, strict=True):
        if verdict.outcome is not None:
            metrics.ATTEMPTS.labels(done.channel, verdict.outcome).inc()
        if done.began is not None:
            metrics.SEND_SECONDS.labels(done.channel).observe(max(0.0, done.ended - done.began))
        if done.claimed.id not in ours:
            metrics.LOST_LEASES.inc()
            log.warning("lost the lease of a delivery", alert_delivery_id=str(done.claimed.id))
        elif verdict.status != "queued":
            metrics.FINISHED.labels(done.channel, verdict.status).inc()
            if verdict.status == "sent" and done.claimed.attempt_count == 1:
                waited = done.claimed.waited + done.ended - done.claimed_at
                metrics.LATENCY.labels(done.channel).observe(max(0.0, waited))
