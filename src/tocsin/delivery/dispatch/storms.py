"""Storms at destinations with a rate: found when a rate is used up, and what waits then is gathered.

`routing.storm` says what is too much. Whoever claims gathers first, in the same transaction, so that no
dispatcher sends one by one what belongs into a digest; the digests are made where time is kept
(`timers/groups.py`), and go through the queue as every message does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from tocsin.delivery.channels.base import Rate
from tocsin.delivery.dispatch.rates import Bucket
from tocsin.delivery.dispatch.targets import Target
from tocsin.routing.storm import MOMENT_SECONDS, SHARE_OF_HOUR, begins, budget, storm_id
from tocsin.store.delivery_queue import DeliveryQueue

COUNT_EVERY_SECONDS = 0.25
"""So often at most is a destination's queue counted."""


class StormWatch:
    """One per dispatcher."""

    def __init__(self) -> None:
        self._counted_at: dict[UUID, float] = {}

    async def gather(
        self, queue: DeliveryQueue, targets: Sequence[Target], buckets: Mapping[UUID, Bucket]
    ) -> None:
        """Before anything is claimed for these, in the transaction that locked `buckets`."""
        ids = [target.id for target in targets]
        gathered = await queue.gather_storms(ids)
        if await self._begin(queue, self._to_count(targets, buckets), buckets):
            gathered += await queue.gather_storms(ids)
        if gathered:
            await queue.notify_groups()

    def _to_count(
        self, targets: Sequence[Target], buckets: Mapping[UUID, Bucket]
    ) -> dict[UUID, Target]:
        """Those whose rate is used up, or nearly: what they have waiting is worth a look."""
        now, found = time.monotonic(), dict[UUID, Target]()
        for target in targets:
            bucket = buckets.get(target.bucket)
            if bucket is None or not _is_used(bucket):
                continue
            if now - self._counted_at.get(target.id, 0.0) >= COUNT_EVERY_SECONDS:
                self._counted_at[target.id] = now
                found[target.id] = target
        return found

    async def _begin(
        self, queue: DeliveryQueue, targets: Mapping[UUID, Target], buckets: Mapping[UUID, Bucket]
    ) -> bool:
        """Whether any storm begins."""
        if not targets:
            return False
        begun = False
        most = 1 + int(max(_most(target.rate) for target in targets.values()))
        for each in await queue.count_waiting(list(targets), most):
            rate = targets[each.alert_destination_id].rate
            bucket = buckets[targets[each.alert_destination_id].bucket]
            if begins(each.waiting, rate.per_second, rate.per_hour, len(bucket.spent_at)):
                id = storm_id(each.alert_destination_id, each.tenant_id)
                await queue.begin_storm(id, each, budget(rate.per_second, rate.per_hour))
                begun = True
        return begun


def _is_used(bucket: Bucket) -> bool:
    hour = bucket.rate.per_hour
    return not bucket.room or (hour is not None and len(bucket.spent_at) >= hour * SHARE_OF_HOUR)


def _most(rate: Rate) -> float:
    """What no storm needs to exceed to be one."""
    by_second = None if rate.per_second is None else rate.per_second * MOMENT_SECONDS
    return max(each for each in (by_second, rate.per_hour, 0.0) if each is not None)
