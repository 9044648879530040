"""When a layer with restrictions has duty: the windows of its weekdays, as instants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo

from tocsin.oncall.schedule import Restriction
from tocsin.oncall.spans import Span, merged
from tocsin.oncall.wall_clock import earliest, latest, local_time

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_MONDAY = datetime(2024, 1, 1)


def duty(
    restrictions: Sequence[Restriction], zone: tzinfo, starts_at: datetime, ends_at: datetime
) -> list[Span]:
    """The time of duty that touches this time, in order; what overlaps or adjoins is one."""
    longest = max(each.nights(day) for each in restrictions for day in each.days)
    first = local_time(starts_at, zone).date() - _DAY * (longest + 1)
    last = local_time(ends_at, zone).date() + _DAY
    found = []
    for number in range((last - first).days + 1):
        day = first + _DAY * number
        for each in restrictions:
            if day.weekday() in each.days:
                span = _on_day(each, day, zone)
                if span.starts_at < ends_at and span.ends_at > starts_at:
                    found.append(span)
    return merged(found)


def _on_day(restriction: Restriction, day: date, zone: tzinfo) -> Span:
    end_day = day + _DAY * restriction.nights(day.weekday())
    return Span(
        earliest(datetime.combine(day, restriction.start), zone),
        latest(datetime.combine(end_day, restriction.end), zone),
    )


def has_duty(restrictions: Sequence[Restriction], local: datetime, length: timedelta) -> bool:
    """Whether some of the time from `local` on is duty in every week, by the clock on the wall."""
    begin = (local - _MONDAY) % _WEEK
    for each in restrictions:
        for day in each.days:
            start = _DAY * day + _of_day(each.start)
            end = _DAY * (day + each.nights(day)) + _of_day(each.end)
            for shift in (-_WEEK, timedelta(), _WEEK):
                if start < begin + shift + length and begin + shift < end:
                    return True
    return False


def _of_day(clock: time) -> timedelta:
    return datetime.combine(_MONDAY, clock) - _MONDAY
