"""How many messages one rate limit lets through now: pure, the bucket's row in, the bucket out.

Per second it is a token bucket: `burst` at once, then a steady drip. Per hour it is an exact window
over the times of the last messages, because services count so: a bucket of 90 that refills at 90 an
hour would let 180 through in an hour that begins full.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.delivery.channels.base import Rate

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """One of the limits that a destination is under; those of one `key` share it. What is CRITICAL may
    have `reserve` messages more than others."""

    key: UUID
    rate: Rate
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is left of one limit at `at`, the database's time. Below nothing: the reserve is used."""

    key: UUID
    rate: Rate
    tokens: float
    spent_at: tuple[datetime, ...]
    at: datetime

    @property
    def room(self) -> int:
        """Messages that may go at once."""
        return self.room_with(0)

    def room_with(self, reserve: int) -> int:
        """Messages that may go at once where so many more are allowed."""
        room = self.rate.burst if self.rate.per_second is None else int(self.tokens + reserve)
        if self.rate.per_hour is not None:
            room = min(room, self.rate.per_hour - len(self.spent_at))
        return max(room, 0)

    @property
    def wait(self) -> float:
        """Seconds until one more may go; 0 if one may now."""
        if self.room:
            return 0.0
        wait = 0.0
        if self.rate.per_second is not None and self.tokens < 1:
            wait = (1 - self.tokens) / self.rate.per_second
        if self.rate.per_hour is not None and len(self.spent_at) >= self.rate.per_hour:
            freed = self.spent_at[len(self.spent_at) - self.rate.per_hour] + _HOUR
            wait = max(wait, (freed - self.at).total_seconds())
        return wait

    def spend(self, count: int) -> Bucket:
        spent_at = self.spent_at
        if self.rate.per_hour is not None:
            spent_at = (*spent_at, *[self.at] * count)
        return Bucket(self.key, self.rate, self.tokens - count, spent_at, self.at)


def refill(
    key: UUID,
    rate: Rate,
    tokens: float,
    refilled_at: datetime,
    spent_at: list[datetime],
    at: datetime,
) -> Bucket:
    """The stored row, brought to `at`. A clock that went back adds nothing and takes nothing."""
    if rate.per_second is None:
        tokens = 0.0
    else:
        elapsed = max((at - refilled_at).total_seconds(), 0.0)
        tokens = min(tokens + elapsed * rate.per_second, float(rate.burst))
    recent = tuple(time for time in spent_at if time > at - _HOUR)
    return Bucket(key, rate, tokens, recent if rate.per_hour is not None else (), at)


def is_limited(rate: Rate) -> bool:
    return rate.per_second is not None or rate.per_hour is not None
