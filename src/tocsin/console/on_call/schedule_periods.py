"""Which days of a schedule are looked at: the address says so, by civil dates in the schedule's zone, so
that a link shows everybody the same days. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from tocsin.oncall.changes import spelled_hours
from tocsin.oncall.local_days import LocalDay, local_days
from tocsin.oncall.spans import Span

_AGENDA_DAYS = 28
_NARROW_FROM = 14
_HOUR = timedelta(hours=1)
_YEARS = range(1980, 2190)


class CalendarView(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    AGENDA = "agenda"


@dataclass(frozen=True, slots=True)
class AxisMark:
    """`note`: of a day that is longer or shorter than others."""

    x: float
    words: str
    note: str = ""
    is_today: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """`previous` and `next` are the first days of those beside it."""

    view: CalendarView
    zone: ZoneInfo
    days: Sequence[LocalDay]
    previous: date
    next: date

    @property
    def span(self) -> Span:
        return Span(self.days[0].span.starts_at, self.days[-1].span.ends_at)

    @property
    def name(self) -> str:
        """`23 – 29 March`, `March 2026`, `Wed 25 March`."""
        first, last = self.days[0].date, self.days[-1].date
        if self.view is CalendarView.DAY:
            return f"{first:%a} {first.day} {first:%B} {first.year}"
        if self.view is CalendarView.MONTH:
            return f"{first:%B} {first.year}"
        begin = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
        return f"{begin} – {last.day} {last:%B} {last.year}"

    def address(self, **values: object) -> str:
        """The query of this period, or of what differs from it."""
        known = {"view": self.view.value, "from": self.days[0].date.isoformat()}
        return f"?{urlencode({**known, **{name: str(each) for name, each in values.items()}})}"

    def at(self, moment: datetime) -> float:
        """Where in it this is, in percent; a day that has an hour less is so much narrower."""
        begin, end = self.span
        # A day that an island crossing the date line left out has no length.
        share = (moment - begin) / max(end - begin, timedelta(minutes=1))
        return round(100 * min(1.0, max(0.0, share)), 3)

    def weekends(self) -> list[tuple[float, float]]:
        """Where they begin and how wide they are, in percent."""
        return [
            (self.at(day.span.starts_at), self.at(day.span.ends_at) - self.at(day.span.starts_at))
            for day in self.days
            if day.is_weekend
        ]

    def marks(self, now: datetime) -> list[AxisMark]:
        """Its days; of one day, every other hour as the clock shows it."""
        if self.view is CalendarView.DAY:
            begin, end = self.span
            count = (end - begin) // _HOUR
            moments = [begin + number * _HOUR for number in range(0, count, 2)]
            return [AxisMark(self.at(at), f"{at.astimezone(self.zone):%H:%M}") for at in moments]
        today = now.astimezone(self.zone).date()
        narrow = len(self.days) > _NARROW_FROM
        return [
            AxisMark(
                self.at(day.span.starts_at),
                f"{day.date.day}" if narrow else f"{day.date:%a} {day.date.day}",
                "" if day.change is None else f"{spelled_hours(day.span.length)} day",
                is_today=day.date == today,
            )
            for day in self.days
        ]

    def clock_words(self) -> list[str]:
        """Where clocks are moved in it."""
        found = []
        for day in self.days:
            change = day.change
            if change is None:
                continue
            way = "forward" if change.is_forward else "back"
            twice = (
                ""
                if change.is_forward
                else f"; the time from {change.after:%H:%M} to {change.before:%H:%M} comes twice"
            )
            found.append(
                f"Clocks go {way} on {day.date:%A} {day.date.day} {day.date:%B}, from "
                f"{change.before:%H:%M} to {change.after:%H:%M}: that day has "
                f"{spelled_hours(day.span.length)}{twice}."
            )
        return found


def period_of(view: str, begin: str, now: datetime, zone: ZoneInfo) -> Period:
    """What an address asks for; what it does not say, or says wrongly, is this week."""
    today = now.astimezone(zone).date()
    known = {each.value: each for each in CalendarView}
    chosen = known.get(view, CalendarView.WEEK)
    first = _date(begin) or today
    match chosen:
        case CalendarView.DAY:
            previous, next = first - timedelta(days=1), first + timedelta(days=1)
        case CalendarView.WEEK:
            first -= timedelta(days=first.weekday())
            previous, next = first - timedelta(days=7), first + timedelta(days=7)
        case CalendarView.MONTH:
            first = first.replace(day=1)
            previous = (first - timedelta(days=1)).replace(day=1)
            next = (first + timedelta(days=31)).replace(day=1)
        case CalendarView.AGENDA:
            ahead = timedelta(days=_AGENDA_DAYS)
            previous, next = first - ahead, first + ahead
    return Period(chosen, zone, local_days(first, (next - first).days, zone), previous, next)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year in _YEARS else None
