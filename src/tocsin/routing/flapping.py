"""Flapping: an alert that keeps coming and going, by a penalty that every change raises and time halves.

    p(t) = p · 2^(−Δt/H) + weight      weight 1 between live and over, ½ for a severity, 0 for a repeat

It flaps from p ≥ start on, and has settled when p has fallen below stop and nothing has changed for a
while, at the latest after some hours: if it goes on then, that is notified again. Pure: times are
arguments.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from math import log2

from msgspec import Struct
from msgspec.structs import replace

STATE_CHANGE, SEVERITY_CHANGE = 1.0, 0.5

FORGOTTEN = 0.5
"""A penalty below this counts for nothing, and what was changed before is not counted any more."""


class FlappingNumbers(Struct, frozen=True):
    """What an integration's flapping goes by."""

    half_life_minutes: float = 15
    start: float = 3
    stop: float = 1
    quiet_minutes: float = 10
    longest_minutes: float = 240
    digest_minutes: float = 30


class Flaps(Struct, frozen=True, omit_defaults=True):
    """How often one alert key has changed: its penalty at the last change; `changes` are counted from
    `first_at` on. `since`: it flaps, and nobody is notified of each change; `digest_at`: when it is
    next said how it goes on."""

    penalty: float
    changed_at: datetime
    first_at: datetime
    changes: int = 1
    since: datetime | None = None
    digest_at: datetime | None = None

    @property
    def is_flapping(self) -> bool:
        return self.since is not None


def first(at: datetime) -> Flaps:
    """Of a key that nothing is known of, when its first alert opens."""
    return Flaps(STATE_CHANGE, at, at)


def penalty_at(flaps: Flaps, numbers: FlappingNumbers, now: datetime) -> float:
    elapsed = max((now - flaps.changed_at) / timedelta(minutes=numbers.half_life_minutes), 0.0)
    return float(flaps.penalty * 2.0**-elapsed)


def changed(flaps: Flaps, numbers: FlappingNumbers, weight: float, now: datetime) -> Flaps:
    """After one more change, by which it may begin to flap. The clock of another node may be behind."""
    now = max(now, flaps.changed_at)
    left = penalty_at(flaps, numbers, now)
    penalty = left + weight
    if left < FORGOTTEN and not flaps.is_flapping:
        flaps = Flaps(0, now, now, 0)
    starts = not flaps.is_flapping and penalty >= numbers.start
    return Flaps(
        penalty,
        now,
        flaps.first_at,
        flaps.changes + 1,
        now if starts else flaps.since,
        now + timedelta(minutes=numbers.digest_minutes) if starts else flaps.digest_at,
    )


def settles_at(flaps: Flaps, numbers: FlappingNumbers) -> datetime:
    """When it will have settled, if nothing changes any more."""
    latest = (flaps.since or flaps.changed_at) + timedelta(minutes=numbers.longest_minutes)
    quiet = flaps.changed_at + timedelta(minutes=numbers.quiet_minutes)
    return min(max(quiet, _falls_to(numbers.stop, flaps, numbers)), latest)


def due_at(flaps: Flaps, numbers: FlappingNumbers) -> datetime:
    """When something is to be said of one that flaps."""
    settles = settles_at(flaps, numbers)
    return settles if flaps.digest_at is None else min(settles, flaps.digest_at)


def forgotten_at(flaps: Flaps, numbers: FlappingNumbers) -> datetime:
    """Until when it has to be remembered."""
    least = _falls_to(FORGOTTEN, flaps, numbers)
    return max(least, settles_at(flaps, numbers)) if flaps.is_flapping else least


def settled(flaps: Flaps) -> Flaps:
    """It does not flap any more; the penalty is what it is."""
    return replace(flaps, since=None, digest_at=None)


def digested(flaps: Flaps, numbers: FlappingNumbers, now: datetime) -> Flaps:
    """It has been said how it goes on; what was missed meanwhile is not said."""
    every = timedelta(minutes=numbers.digest_minutes)
    since = flaps.since or now
    return replace(flaps, digest_at=since + ((now - since) // every + 1) * every)


def _falls_to(penalty: float, flaps: Flaps, numbers: FlappingNumbers) -> datetime:
    if flaps.penalty <= penalty:
        return flaps.changed_at
    halvings = log2(flaps.penalty / penalty)
    return flaps.changed_at + halvings * timedelta(minutes=numbers.half_life_minutes)
