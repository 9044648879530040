"""How much of a time each person is on call, and how much of that is night and weekend. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from uuid import UUID

from tocsin.oncall.local_days import LocalDay
from tocsin.oncall.resolve import CauseKind, Shift
from tocsin.oncall.spans import Span, merged
from tocsin.oncall.wall_clock import earliest

NIGHT_BEGINS, NIGHT_ENDS = time(22), time(7)
"""By the schedule's clock."""


@dataclass(frozen=True, slots=True)
class Workload:
    """`nights`: those of which any part is theirs. `weekend`: on Saturdays and Sundays."""

    user: UUID
    length: timedelta
    nights: int
    weekend: timedelta


def workloads(shifts: Iterable[Shift], days: Sequence[LocalDay], zone: tzinfo) -> list[Workload]:
    """Of these days, whoever has most first; what a fallback stands in for is nobody's."""
    own: dict[UUID, list[Span]] = {}
    for shift in shifts:
        if shift.user is not None and shift.cause.kind is not CauseKind.FALLBACK:
            own.setdefault(shift.user, []).append(Span(shift.starts_at, shift.ends_at))
    whole = Span(days[0].span.starts_at, days[-1].span.ends_at)
    weekends = [day.span for day in days if day.is_weekend]
    nights = [_night(day, zone) for day in days]
    found = []
    for user, spans in own.items():
        together = merged(spans)
        length = sum(_shared(together, [whole]), timedelta())
        if length:
            at_night = sum(map(bool, _shared(together, nights)))
            weekend = sum(_shared(together, weekends), timedelta())
            found.append(Workload(user, length, at_night, weekend))
    return sorted(found, key=lambda each: (-each.length, each.user))


def _night(day: LocalDay, zone: tzinfo) -> Span:
    """The one that begins on this day."""
    begins = earliest(datetime.combine(day.date, NIGHT_BEGINS), zone)
    ends = earliest(datetime.combine(day.date + timedelta(days=1), NIGHT_ENDS), zone)
    return Span(begins, ends)


def _shared(spans: Sequence[Span], others: Sequence[Span]) -> list[timedelta]:
    """How much of each of the others the spans take, which are apart from each other; both in order."""
    found = []
    first = 0
    for other in others:
        while first < len(spans) and spans[first].ends_at <= other.starts_at:
            first += 1
        taken = timedelta()
        for number in range(first, len(spans)):
            span = spans[number]
            if span.starts_at >= other.ends_at:
                break
            taken += min(span.ends_at, other.ends_at) - max(span.starts_at, other.starts_at)
        found.append(taken)
    return found
