"""When the turns of a rotation begin. A boundary is computed once: it ends one turn and begins the next.

Days, weeks and months count on the wall clock, and so do hours that divide a day; other hours are
elapsed time. A boundary that would not come after the one before it (in a gap of the clock) is dropped,
and with it the turn that it would have ended.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tocsin.oncall.restrictions import has_duty
from tocsin.oncall.schedule import (
    Layer,
    Restriction,
    RestrictionMode,
    RotationUnit,
    ShiftRotation,
)
from tocsin.oncall.wall_clock import earliest, local_time

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)

# What a change of a zone's offset moves a boundary by at most: a zone that skips a day.
_LEEWAY = timedelta(hours=25)


class Turn(NamedTuple):
    number: int
    starts_at: datetime
    ends_at: datetime


class Turns:
    """The turns of one rotation in one zone."""

    def __init__(
        self,
        rotation: ShiftRotation,
        zone: tzinfo,
        restrictions: tuple[Restriction, ...],
        mode: RestrictionMode,
    ) -> None:
        self._zone = zone
        self._length = rotation.length
        self._is_monthly = rotation.unit is RotationUnit.MONTHLY
        self._anchor = _anchor(rotation)
        self._month_day = rotation.handoff_day or rotation.starts_on.day
        unit = _UNITS.get(rotation.unit, _DAY)
        self._unit = unit
        self._step = unit * rotation.length
        self._counted: tuple[int, ...] | None = None
        if mode is RestrictionMode.ACTIVE and restrictions and unit < _WEEK:
            self._counted = tuple(
                number
                for number in range(_WEEK // unit)
                if has_duty(restrictions, self._anchor + number * unit, unit)
            )
        self._is_elapsed = unit == _HOUR and 24 % rotation.length != 0 and self._counted is None
        self._anchored_at = earliest(self._anchor, zone)
        self.begins_at = earliest(datetime.combine(rotation.starts_on, rotation.handoff_time), zone)

    def between(self, starts_at: datetime, ends_at: datetime) -> Iterator[Turn]:
        """Whole turns that have a part of this time, in order."""
        number = self._number_before(starts_at)
        begun = self._boundary(number)
        while begun < ends_at:
            following = number + 1
            boundary = self._boundary(following)
            while boundary <= begun:
                number, following = following, following + 1
                boundary = self._boundary(following)
            if boundary > starts_at:
                yield Turn(number, begun, boundary)
            number, begun = following, boundary

    def at(self, now: datetime) -> Turn:
        """The turn that lasts; the first where none has begun."""
        now = max(now, self._boundary(0))
        return next(self.between(now, now + _WEEK))

    def _boundary(self, number: int) -> datetime:
        if self._is_elapsed:
            return self._anchored_at + self._step * number
        return earliest(self._local(number), self._zone)

    def _local(self, number: int) -> datetime:
        if self._is_monthly:
            return _in_month(self._anchor, number * self._length, self._month_day)
        if self._counted is None:
            return self._anchor + self._step * number
        weeks, place = divmod(number * self._length, len(self._counted))
        return self._anchor + _WEEK * weeks + self._unit * self._counted[place]

    def _number_before(self, at: datetime) -> int:
        """Of a turn that has begun by then, and is near."""
        if self._is_elapsed:
            return max(0, (at - self._anchored_at) // self._step)
        local = local_time(at, self._zone) - _LEEWAY
        if self._is_monthly:
            months = (local.year - self._anchor.year) * 12 + local.month - self._anchor.month
            return max(0, (months - 1) // self._length)
        if self._counted is None:
            return max(0, (local - self._anchor) // self._step)
        weeks, rest = divmod(local - self._anchor, _WEEK)
        place = bisect_left(self._counted, rest // self._unit)
        return max(0, (weeks * len(self._counted) + place) // self._length - 1)


_UNITS = {RotationUnit.HOURS: _HOUR, RotationUnit.DAILY: _DAY, RotationUnit.WEEKLY: _WEEK}


def _anchor(rotation: ShiftRotation) -> datetime:
    """The local time of the last hand-over that is not after the rotation's begin."""
    begin = datetime.combine(rotation.starts_on, rotation.handoff_time)
    match rotation.unit, rotation.handoff_day:
        case RotationUnit.WEEKLY, int(weekday):
            return begin - _DAY * ((begin.weekday() - weekday) % 7)
        case RotationUnit.MONTHLY, int(day):
            this_month = _in_month(begin, 0, day)
            return this_month if this_month <= begin else _in_month(begin, -1, day)
    return begin


def _in_month(local: datetime, months: int, day: int) -> datetime:
    """That day of the month so many months on, or its last."""
    years, month = divmod(local.month - 1 + months, 12)
    year = local.year + years
    last = monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(day, last))


@lru_cache(maxsize=4096)
def _turns(
    rotation: ShiftRotation,
    timezone: str,
    restrictions: tuple[Restriction, ...],
    mode: RestrictionMode,
) -> Turns:
    return Turns(rotation, ZoneInfo(timezone), restrictions, mode)


def turns_of(layer: Layer, timezone: str) -> Turns:
    return _turns(layer.rotation, timezone, layer.restrictions, layer.mode)
