"""What must be done now and then beside delivering: leases renewed, dead queues cleared, counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import structlog

from tocsin.delivery.dispatch import metrics, trouble
from tocsin.delivery.dispatch.leases import Leases
from tocsin.delivery.dispatch.recorder import FALLBACK_AFTER_SECONDS
from tocsin.model import AlertDeliveryStatus
from tocsin.rounds import is_set_within
from tocsin.store.delivery_queue import DeliveryQueue, FallbackCandidate
from tocsin.store.described import described
from tocsin.store.reconnecting import Reconnecting

_COUNT_EVERY_SECONDS = 15.0
_EXPIRE_EVERY_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Housekeeping:
    def __init__(
        self,
        open_queue: Callable[[], Awaitable[DeliveryQueue]],
        leases: Leases,
        wake: Callable[[], None],
    ) -> None:
        self._open_queue = open_queue
        self._leases = leases
        self._wake = wake
        self._unreachable: set[UUID] = set()
        self._waiting: set[UUID] = set()
        self._work = asyncio.Event()

    def note(self, unreachable: Iterable[UUID], waiting: Iterable[UUID]) -> None:
        """What the last look at the queue saw: destinations that are disabled or deleted, and those
        whose queue does not move."""
        self._unreachable.update(unreachable)
        self._waiting = set(waiting)
        if self._unreachable:
            self._work.set()

    async def run(self) -> None:
        """Forever; a lost connection is opened again."""
        await Reconnecting(self._open_queue).forever(
            self._keep, failed=lambda error: log.error("housekeeping failed", **described(error))
        )

    async def _keep(self, queue: DeliveryQueue) -> None:
        count_at = expire_at = 0.0
        while True:
            await is_set_within(self._work, min(1.0, self._leases.seconds / 6))
            self._work.clear()
            await self._renew(queue)
            await self._withdraw(queue)
            now = time.monotonic()
            if now >= count_at:
                backlog = await queue.backlog()
                metrics.PENDING.set(backlog.pending)
                metrics.OLDEST_PENDING.set(backlog.oldest_seconds)
                count_at = now + _COUNT_EVERY_SECONDS
            if self._waiting and now >= expire_at:
                await self._expire(queue)
                expire_at = now + _EXPIRE_EVERY_SECONDS

    async def _renew(self, queue: DeliveryQueue) -> None:
        ids = self._leases.to_renew()
        if not ids:
            return
        asked_at = time.monotonic()
        for lost in self._leases.renewed(ids, await queue.renew(ids), asked_at):
            log.warning("a lease was lost to another dispatcher", alert_delivery_id=str(lost))

    async def _withdraw(self, queue: DeliveryQueue) -> None:
        while self._unreachable:
            if await queue.withdraw(list(self._unreachable)) == 0:
                self._unreachable.clear()

    async def _expire(self, queue: DeliveryQueue) -> None:
        """Give up what has waited for a day (a test: for a minute) where nothing moves."""
        while True:
            async with queue.transaction():
                expired = await queue.expire(list(self._waiting))
                await queue.settle_carried([each.id for each in expired])
                made = await queue.notify_fallback(
                    [
                        FallbackCandidate(id=each.id, given_up=True, broken=False)
                        for each in expired
                    ],
                    FALLBACK_AFTER_SECONDS,
                )
            metrics.FALLBACKS.inc(made)
            for each in expired:
                metrics.FINISHED.labels(each.channel, AlertDeliveryStatus.FAILED).inc()
            trouble.say_expired(expired)
            if not expired:
                return
            self._wake()
