"""Claim: from "something may be due" to rows in hand, a few round trips for any number of rows.

due lanes ─┬─ disabled or deleted ─► withdrawn
           ├─ held ────────────────► left alone (a test gets through, unless throttled)
           ├─ hold is over ────────► one probe, by whichever dispatcher comes first
           └─ well ────┬───────────► claimed, as much as its window has room for
                       └─ limited ─► the same, no more than its rate lets through; what
                                    exceeds it by far is gathered first (`storms.py`)
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import structlog

from tocsin.delivery.dispatch import metrics
from tocsin.delivery.dispatch.destination_lanes import DestinationLanes
from tocsin.delivery.dispatch.leases import Leases
from tocsin.delivery.dispatch.rates import Bucket, Limit, refill
from tocsin.delivery.dispatch.storms import StormWatch
from tocsin.delivery.dispatch.targets import Target, Targets
from tocsin.model import HoldReason
from tocsin.store.delivery_queue import Claim, Claimed, DeliveryQueue, DueLane
from tocsin.store.delivery_rates import SpentBucket
from tocsin.store.described import described

log = structlog.get_logger(__name__)

PROBE_SECONDS = 30.0
"""How long a probe has the destination for itself: longer than an attempt takes."""
_BUSY_BUCKET_SECONDS = 0.05
_WORTH_NOTING_SECONDS = 5.0
"""A rate that is used up for longer than this is what people ask about."""


@dataclass(slots=True)
class Look:
    """What one look at the queue gave. `next_in`: seconds until another look is needed; None if only
    a wake-up can cause one."""

    claimed: list[Claimed] = field(default_factory=list)
    next_in: float | None = None
    waiting: list[UUID] = field(default_factory=list)
    """Destinations whose queue does not move: held, or without tokens."""
    unreachable: list[UUID] = field(default_factory=list)
    """Destinations disabled or deleted that have deliveries waiting."""

    def look_again_in(self, seconds: float | None) -> None:
        if seconds is not None and (self.next_in is None or seconds < self.next_in):
            self.next_in = max(seconds, 0.0)


@dataclass(frozen=True, slots=True)
class _Wanted:
    target: Target
    claim: Claim


async def claim(
    queue: DeliveryQueue,
    targets: Targets,
    lanes: DestinationLanes,
    leases: Leases,
    storms: StormWatch,
) -> Look:
    """One look at the queue. What it returns is leased to us; its destinations are in `targets`."""
    found = Look()
    looked_at = time.monotonic()
    floors = lanes.floors.at(looked_at)
    due = await queue.due_lanes(floors)
    if not floors:
        first = {
            each.id: each.last_sequence if each.first_fresh is None else each.first_fresh
            for each in due
        }
        lanes.floors.learn(first, looked_at)
    if not due:
        return found
    if await targets.load(queue, [lane.id for lane in due], due[0].configuration_version):
        lanes.forget_idle()
    wanted = await _wanted(queue, due, targets, lanes, floors, found)
    try:
        await _claim_wanted(queue, targets, lanes, leases, storms, wanted, found)
    except Exception as error:
        if not found.claimed:
            raise
        # What is leased to us already must not be forgotten.
        log.warning("a claim ended early", **described(error))
        found.look_again_in(0.0)
    return found


async def _claim_wanted(
    queue: DeliveryQueue,
    targets: Targets,
    lanes: DestinationLanes,
    leases: Leases,
    storms: StormWatch,
    wanted: Sequence[_Wanted],
    found: Look,
) -> None:
    def hold(claimed: list[Claimed], asked_at: float) -> None:
        leases.add(claimed, asked_at)
        for each in claimed:
            lane = lanes.known(each.alert_destination_id)
            assert lane is not None
            lanes.take(lane)
        found.claimed += claimed

    unlimited = [each.claim for each in wanted if not each.target.limits]
    if unlimited:
        asked_at = time.monotonic()
        claimed = await queue.claim(unlimited)
        hold(claimed, asked_at)
        taken = Counter(each.alert_destination_id for each in claimed)
        for each in unlimited:
            lane = lanes.known(each.destination_id)
            assert lane is not None
            lane.has_more = taken[each.destination_id] == each.room
    limited = [each for each in wanted if each.target.limits]
    if limited:
        asked_at = time.monotonic()
        hold(await _claim_limited(queue, limited, storms, found), asked_at)
    if found.claimed:
        # The configuration may have changed since the look: send by what the claim itself saw.
        await targets.load(
            queue,
            [each.alert_destination_id for each in found.claimed],
            max(each.configuration_version for each in found.claimed),
        )


async def _wanted(
    queue: DeliveryQueue,
    due: Sequence[DueLane],
    targets: Targets,
    lanes: DestinationLanes,
    floors: Mapping[UUID, int],
    found: Look,
) -> list[_Wanted]:
    wanted: list[_Wanted] = []
    probes: list[Target] = []
    for each in due:
        target = targets.get(each.id)
        if not each.is_enabled or target is None:
            found.unreachable.append(each.id)
            if (known := lanes.known(each.id)) is not None:
                known.is_paused = True  # what waits for its turn is not sent any more
            continue
        found.look_again_in(each.next_in)
        held = each.held_for is not None and each.held_for > 0
        if held:
            found.waiting.append(each.id)
            found.look_again_in(each.held_for)
            if not each.test_is_due or each.hold_reason == HoldReason.THROTTLED:
                continue
        elif not each.is_due:
            continue
        lane = lanes.lane(target.id, target.rate)
        if each.held_for is not None and not held:
            if lane.in_hand == 0:
                probes.append(target)
            continue
        if room := lanes.room(lane):
            lane.is_paused = False
            floor = floors.get(target.id, 0)
            wanted.append(_Wanted(target, Claim(target.id, room, held, floor)))
    metrics.HELD.set(len(found.waiting))
    if probes:
        ours = await queue.begin_probes([target.id for target in probes], PROBE_SECONDS)
        for target in probes:
            if target.id in ours:
                lanes.lane(target.id, target.rate).is_paused = False
                wanted.append(_Wanted(target, Claim(target.id, 1)))
    return wanted


async def _claim_limited(
    queue: DeliveryQueue, wanted: Sequence[_Wanted], storms: StormWatch, found: Look
) -> list[Claimed]:
    """In one transaction: lock the buckets, claim what they let through, write them back."""
    rates = {limit.key: limit.rate for each in wanted for limit in each.target.limits}
    async with queue.transaction():
        rows = await queue.rates.lock_buckets(
            {key: float(rate.burst) for key, rate in rates.items()}
        )
        buckets = {
            row.key: refill(
                row.key, rates[row.key], row.tokens, row.refilled_at, row.spent_at, row.at
            )
            for row in rows
        }
        if len(buckets) < len(rates):
            found.look_again_in(_BUSY_BUCKET_SECONDS)
        await storms.gather(queue, [each.target for each in wanted], buckets)
        claims = _share(wanted, buckets)
        if claims:
            claimed = await queue.claim(claims)
        else:
            claimed = []
        limits_of = {each.target.id: each.target.limits for each in wanted}
        for one in claimed:
            for limit in limits_of[one.alert_destination_id]:
                buckets[limit.key] = buckets[limit.key].spend(1)
        if claimed:
            await queue.rates.spend_buckets(
                [
                    SpentBucket(key=key, tokens=bucket.tokens, spent_at=list(bucket.spent_at))
                    for key, bucket in buckets.items()
                ]
            )
    used: dict[UUID, float] = {}
    for bucket in buckets.values():
        if not bucket.room:
            found.look_again_in(bucket.wait)
            waiting = [
                each.target.id
                for each in wanted
                if any(limit.key == bucket.key for limit in each.target.limits)
            ]
            found.waiting += waiting
            if bucket.wait >= _WORTH_NOTING_SECONDS:
                used |= {id: max(used.get(id, 0.0), bucket.wait) for id in waiting}
    if used:
        await queue.rates.note_used_rates(used)
    return claimed


def _share(wanted: Sequence[_Wanted], buckets: dict[UUID, Bucket]) -> list[Claim]:
    """Destinations with one bucket share it; the one with the fewest messages asked for first, so
    that a long queue takes what the short ones leave. Where there is room for nothing else, what is
    CRITICAL may use the reserve."""
    taken = dict.fromkeys(buckets, 0)

    def left(limit: Limit, reserve: int) -> int:
        bucket = buckets.get(limit.key)
        return 0 if bucket is None else bucket.room_with(reserve) - taken[limit.key]

    claims = []
    for each in sorted(wanted, key=lambda each: each.claim.room):
        limits = each.target.limits
        room = min(each.claim.room, *(left(limit, 0) for limit in limits))
        only = room <= 0
        if only:
            room = min(each.claim.room, *(left(limit, limit.reserve) for limit in limits))
        if room > 0:
            for limit in limits:
                taken[limit.key] += room
            claims.append(replace(each.claim, room=room, critical_only=only))
    return claims
