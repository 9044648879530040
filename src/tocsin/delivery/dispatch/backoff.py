"""When to try again: pure; the dice are passed in.

Exponential with full jitter: uniform between nothing and a bound that doubles. Of the ways to
spread retries it makes the least work for a service that is coming back (Marc Brooker, "Exponential
Backoff And Jitter", AWS Architecture Blog, 2015). What a service asks for is obeyed, within limits.
"""

from __future__ import annotations

from dataclasses import dataclass

RETRY_AFTER_SHORTEST = 1.0
RETRY_AFTER_LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds. `attempts` None is as many as fit until the delivery is given up."""

    base: float
    longest: float
    shortest: float = 1.0
    attempts: int | None = None


ALERTS = Schedule(base=5.0, longest=3600.0)
HELD = Schedule(base=5.0, longest=60.0)
"""Of what a whole destination is in trouble with: the hold of it paces the attempts."""
ONCE = Schedule(base=1.0, longest=1.0, attempts=1)
TESTS = Schedule(base=2.5, longest=5.0, shortest=1.0, attempts=3)
"""Within a minute, each attempt taking up to fifteen seconds: 15 + 2.5 + 15 + 5 + 15."""


def bounded(retry_after: float) -> float:
    """What a service asked for, as far as it is obeyed; nonsense (NaN, negative) is the least."""
    if not retry_after >= RETRY_AFTER_SHORTEST:
        return RETRY_AFTER_SHORTEST
    return min(retry_after, RETRY_AFTER_LONGEST)


def delay(
    schedule: Schedule,
    attempt: int,
    *,
    dice: float,
    retry_after: float | None,
    seconds_left: float,
) -> float | None:
    """Seconds to wait after attempt number `attempt` (from 1); None where it is time to give up.

    Args:
        dice: uniform in [0, 1).
        retry_after: seconds the service asked for, if it did.
        seconds_left: until the delivery is given up.
    """
    if schedule.attempts is not None and attempt >= schedule.attempts:
        return None
    bound = min(schedule.longest, schedule.base * 2.0 ** min(attempt - 1, 30))
    wait = max(schedule.shortest, dice * bound)
    if retry_after is not None:
        wait = max(wait, bounded(retry_after))
    return wait if wait < seconds_left else None
