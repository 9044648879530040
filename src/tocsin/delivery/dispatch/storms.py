"""Storms at destinations with a rate, and pages that are too many for one person: found when a rate is
used up, and what waits then is gathered.

`routing.storm` and `routing.bundle` say what is too much. Whoever claims gathers first, in the same
transaction, so that no dispatcher sends one by one what belongs into a digest; the digests are made
where time is kept (`timers/groups.py`), and go through the queue as every message does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from tocsin.delivery.channels.base import Rate
from tocsin.delivery.dispatch.rates import Bucket
from tocsin.delivery.dispatch.targets import Target
from tocsin.routing.bundle import AT_LEAST, bundle_id
from tocsin.routing.group import GroupKind
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
        gathered = await queue.rates.gather_storms(ids)
        to_count = self._to_count(targets, buckets)
        people = {id: target for id, target in to_count.items() if target.person is not None}
        others = {id: target for id, target in to_count.items() if target.person is None}
        begun = await self._begin(queue, others, buckets)
        if await self._begin_bundles(queue, people, buckets) or begun:
            gathered += await queue.rates.gather_storms(ids)
        if gathered:
            await queue.rates.notify_groups()

    def _to_count(
        self, targets: Sequence[Target], buckets: Mapping[UUID, Bucket]
    ) -> dict[UUID, Target]:
        """Those whose rate is used up, or nearly: what they have waiting is worth a look."""
        now, found = time.monotonic(), dict[UUID, Target]()
        for target in targets:
            if not any(_is_used(buckets.get(limit.key)) for limit in target.limits):
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
        for each in await queue.rates.count_waiting(list(targets), most):
            target = targets[each.alert_destination_id]
            if _exceeds(target, each.waiting, buckets):
                id = storm_id(target.id, each.tenant_id)
                await queue.rates.begin_storm(id, GroupKind.STORM, each, _budget(target))
                begun = True
        return begun

    async def _begin_bundles(
        self, queue: DeliveryQueue, targets: Mapping[UUID, Target], buckets: Mapping[UUID, Bucket]
    ) -> bool:
        """Whether the pages of any person are too many by now."""
        if not targets:
            return False
        begun = False
        most = 1 + int(max(_most(limit.rate) for each in targets.values() for limit in each.limits))
        for each in await queue.rates.count_pages(list(targets), most):
            target = targets[each.alert_destination_id]
            if each.waiting >= AT_LEAST and _exceeds(target, each.waiting, buckets):
                id = bundle_id(target.id)
                await queue.rates.begin_storm(id, GroupKind.PAGES, each, _budget(target))
                begun = True
        return begun


def _exceeds(target: Target, waiting: int, buckets: Mapping[UUID, Bucket]) -> bool:
    """Whether so many are too many for any limit that is used up."""
    for limit in target.limits:
        bucket = buckets.get(limit.key)
        if bucket is None or not _is_used(bucket):
            continue
        rate = limit.rate
        if begins(waiting, rate.per_second, rate.per_hour, len(bucket.spent_at)):
            return True
    return False


def _budget(target: Target) -> float:
    return min(budget(limit.rate.per_second, limit.rate.per_hour) for limit in target.limits)


def _is_used(bucket: Bucket | None) -> bool:
    if bucket is None:
        return False
    hour = bucket.rate.per_hour
    return not bucket.room or (hour is not None and len(bucket.spent_at) >= hour * SHARE_OF_HOUR)


def _most(rate: Rate) -> float:
    """What no storm needs to exceed to be one."""
    by_second = None if rate.per_second is None else rate.per_second * MOMENT_SECONDS
    return max(each for each in (by_second, rate.per_hour, 0.0) if each is not None)
