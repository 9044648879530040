"""The days of a zone as a wall calendar has them: when each begins, how long it is, and where
clocks are moved in it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from tocsin.oncall.spans import Span
from tocsin.oncall.wall_clock import earliest, local_time

_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ClockChange:
    """Clocks are moved at `at`: they would show `before`, and show `after`."""

    at: datetime
    before: datetime
    after: datetime

    @property
    def is_forward(self) -> bool:
        return self.after > self.before


@dataclass(frozen=True, slots=True)
class LocalDay:
    date: date
    span: Span
    change: ClockChange | None = None
    """None: it has 24 hours."""

    @property
    def is_weekend(self) -> bool:
        return self.date.weekday() >= 5


def local_days(first: date, count: int, zone: tzinfo) -> list[LocalDay]:
    """So many days from this one on; each ends when the next begins."""
    dates = [first + timedelta(days=number) for number in range(count + 1)]
    begins = [earliest(datetime.combine(each, time()), zone) for each in dates]
    return [
        LocalDay(each, span, _change(span, zone))
        for each, span in zip(dates, map(Span, begins, begins[1:]), strict=False)
    ]


def _change(span: Span, zone: tzinfo) -> ClockChange | None:
    """Clocks are moved at a full minute, also at the one with which the day begins."""
    before = (span.starts_at - _INSTANT).astimezone(zone).utcoffset()
    if before is None or before == (span.ends_at - _INSTANT).astimezone(zone).utcoffset():
        return None
    # The last minute with the old offset lies before `late`, and not before `early`.
    early, late = -1, span.length // _MINUTE - 1
    while late - early > 1:
        middle = (early + late) // 2
        moved = (span.starts_at + middle * _MINUTE).astimezone(zone).utcoffset() != before
        early, late = (early, middle) if moved else (middle, late)
    at = span.starts_at + late * _MINUTE
    after = local_time(at, zone)
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return ClockChange(at, after - offset + before, after)
