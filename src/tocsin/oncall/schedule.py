"""What a schedule is made of: layers that rotate, versions of them, and what is changed by hand.

Users and destinations are ids here. Times are instants in UTC, but for what a rotation says: that is
local time of the schedule's zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class RotationUnit(StrEnum):
    HOURS = "hours"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class RestrictionMode(StrEnum):
    """What the time outside the restrictions is to the rotation: `wall`, it turns regardless; `active`,
    days (or hours) without duty do not count."""

    WALL = "wall"
    ACTIVE = "active"


class OverrideKind(StrEnum):
    REPLACE = "replace"
    """One person by another, where the first is on call."""
    ADD = "add"
    """Somebody besides who is on call."""
    REMOVE = "remove"
    """Somebody is not on call."""
    COVER = "cover"
    """One person instead of everybody, and where nobody is."""


@dataclass(frozen=True, slots=True)
class ShiftRotation:
    """Turns of `length` units. The first begins on `starts_on` at `handoff_time`; it is shorter than
    the others where that is no day of a hand-over."""

    unit: RotationUnit
    length: int
    handoff_time: time
    starts_on: date
    handoff_day: int | None = None
    """Weekly: the weekday, 0 for Monday. Monthly: the day of the month; the 31st is the last day of a
    shorter one. None: that of `starts_on`."""


@dataclass(frozen=True, slots=True)
class Restriction:
    """A window that begins at `start` on each of `days` (0 for Monday) and belongs to that day. It ends
    the next time that the clock shows `end`, on `end_day` if that is given."""

    days: frozenset[int]
    start: time
    end: time
    end_day: int | None = None

    def nights(self, day: int) -> int:
        """How many days after its first the window ends, if it begins on this weekday."""
        is_later = self.end > self.start
        if self.end_day is None:
            return 0 if is_later else 1
        return (self.end_day - day) % 7 or (0 if is_later else 7)


Entry = tuple[UUID, ...]
"""Who has one turn: one user, or several together. Empty: nobody, on purpose."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Turn k is that of participant `k + offset`, round and round."""

    id: UUID
    name: str
    rotation: ShiftRotation
    participants: tuple[Entry, ...]
    restrictions: tuple[Restriction, ...] = ()
    mode: RestrictionMode = RestrictionMode.WALL
    offset: int = 0
    version: int = 1
    """How often it has been changed, and once more."""

    def entry(self, turn: int) -> Entry:
        if not self.participants:
            return ()
        return self.participants[(turn + self.offset) % len(self.participants)]


@dataclass(frozen=True, slots=True)
class Fallback:
    """Who is notified where nobody is on call: a user or a destination."""

    user: UUID | None = None
    destination: UUID | None = None


@dataclass(frozen=True, slots=True)
class ScheduleVersion:
    """What holds from `effective_from` until the next version. Of the layers later ones win."""

    effective_from: datetime
    timezone: str
    layers: tuple[Layer, ...]
    fallback: Fallback | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What is changed by hand from `starts_at` until just before `ends_at`, on the whole schedule or on
    one layer of it. `user` is who leaves (replace, remove), `substitute` who comes."""

    id: UUID
    kind: OverrideKind
    starts_at: datetime
    ends_at: datetime
    user: UUID | None = None
    substitute: UUID | None = None
    layer: UUID | None = None
    swap: UUID | None = None
    """The swap of shifts that it carries out."""


@dataclass(frozen=True, slots=True)
class OnCallSchedule:
    """Versions in the order of their times, overrides in that in which they were made: a later one
    builds on what the earlier ones left."""

    id: UUID
    versions: tuple[ScheduleVersion, ...]
    overrides: tuple[Override, ...] = ()
