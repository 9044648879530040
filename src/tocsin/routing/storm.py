"""Storms: what exceeds a destination's rate is gathered into digests. Pure.

A storm is a group of everything that one tenant's alerts send to one destination. Its first digest goes
at once, then there is one every five minutes, and at once when something more severe appears than the
storm had so far; a CRITICAL does, too, when the last digest said none. It ends when less than half of
what the destination takes has come for five minutes.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.model import Severity
from tocsin.routing.group import Decision, End, GroupFacts, GroupState, Rest, Send, SendAt

INTERVAL = timedelta(minutes=5)

MOMENT_SECONDS = 10.0
"""What waits for no longer than this is no storm."""

SHARE_OF_HOUR = 2 / 3
"""Of what a destination takes in an hour, so much may go as single messages; the rest is for digests."""


def storm_id(destination_id: UUID, tenant_id: UUID) -> UUID:
    """The same wherever it is asked for."""
    digest = hashlib.sha256(b"storm" + destination_id.bytes + tenant_id.bytes).digest()
    return UUID(bytes=digest[:16])


def begins(
    waiting: int, per_second: float | None, per_hour: int | None, spent_in_hour: int
) -> bool:
    """Whether so many messages of one tenant that wait for a rate are too many."""
    limits = []
    if per_second is not None:
        limits.append(per_second * MOMENT_SECONDS)
    if per_hour is not None:
        limits.append(max(per_hour * SHARE_OF_HOUR - spent_in_hour, 0.0))
    return bool(limits) and waiting > min(limits)


def budget(per_second: float | None, per_hour: int | None) -> float:
    """How many messages a destination takes in an interval, on and on."""
    rates = []
    if per_second is not None:
        rates.append(per_second)
    if per_hour is not None:
        rates.append(per_hour / 3600)
    return min(rates, default=0.0) * INTERVAL.total_seconds()


def decide_storm(
    state: GroupState, facts: GroupFacts, gathered: int, budget: float, now: datetime
) -> Decision:
    """What a storm does at `now`; `gathered` messages have come since the last digest. `state.told` is
    what has to be exceeded for a digest at once (`told_after`)."""
    last = state.last_sent_at
    if last is None and facts.waiting:
        return Send(True)
    if last is None:
        # Whatever it had was withdrawn before a digest.
        return Rest(now + INTERVAL, None) if gathered else End()
    worse = facts.worst is not None and (state.told is None or facts.worst.rank > state.told.rank)
    if facts.waiting and worse:
        return Send(False)
    if now < last + INTERVAL:
        return SendAt(last + INTERVAL)
    if facts.waiting:
        return Send(False)
    # What had come was withdrawn since.
    return End() if is_calm(gathered, budget) else Rest(now + INTERVAL, None)


def told_after(told: Severity | None, said: Severity | None) -> Severity | None:
    """What has to be exceeded for the next digest at once, after one of which `said` is the worst that
    is new: the worst so far, but CRITICAL only for as long as digests say it. So there is at most one
    more in each interval."""
    if said is Severity.CRITICAL:
        return said
    known = [each for each in (told, said) if each is not None]
    if not known:
        return None
    worst = max(known, key=lambda each: each.rank)
    return Severity.HIGH if worst is Severity.CRITICAL else worst


def is_calm(gathered: int, budget: float) -> bool:
    return gathered < budget / 2
