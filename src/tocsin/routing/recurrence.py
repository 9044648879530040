"""When something recurs: a first start by wall clock, and a part of RFC 5545's rules.

- Starts are wall-clock time. One that occurs twice is the first; one in a gap moves to the first moment
  after it (RFC 5545 would leave it out, and a night's work with it).
- The length is elapsed time: two hours are two hours also where the clocks change meanwhile.

Pure, but for `zoneinfo`, which reads a zone's rules once. The only file that uses python-dateutil.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import islice
from typing import Literal, NamedTuple

from dateutil import rrule

from tocsin.routing.quiet_hours import instant, time_zone

FREQUENCIES: Mapping[str, Literal[1, 2, 3]] = {
    "DAILY": rrule.DAILY,
    "WEEKLY": rrule.WEEKLY,
    "MONTHLY": rrule.MONTHLY,
}
PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "UNTIL", "COUNT")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST_INTERVAL = 400
MOST_COUNT = 1_000

HORIZON = timedelta(days=366 * 5)
"""What does not occur for so long is taken not to occur at all."""

_LONGEST_SERIES = timedelta(days=366 * 100)
"""What is counted ends after so long."""

_DAY = timedelta(days=1)
# A zone's offset from UTC, and what a gap may add to it.
_LEEWAY = timedelta(days=2)
# Until when "it does not occur now" holds where no start is near.
_AHEAD = timedelta(days=1)


class Occurrence(NamedTuple):
    """From `starts_at` until just before `ends_at`, both in UTC."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """A rule of RFC 5545, as far as it is taken. `until` is as it was written: a day, a local time, or
    one in UTC."""

    frequency: str
    interval: int = 1
    days: tuple[tuple[int, int], ...] = ()
    """Ordinal (0: every one) and weekday, 0 for Monday."""
    month_days: tuple[int, ...] = ()
    until: str | None = None
    count: int | None = None

    @classmethod
    def parse(cls, text: str) -> RecurrenceRule:
        """Raises ValueError, in words for whoever wrote it."""
        given: dict[str, str] = {}
        for part in text.split(";"):
            name, equals, value = part.partition("=")
            if not equals or name not in PARTS:
                raise ValueError(
                    f"{part[:40]!r} is not understood; a rule may say {_listed(PARTS)}"
                )
            if name in given:
                raise ValueError(f"says {name} twice")
            given[name] = value
        frequency = given.get("FREQ", "")
        if frequency not in FREQUENCIES:
            raise ValueError(f"FREQ must be one of {_listed(FREQUENCIES)}")
        if "UNTIL" in given and "COUNT" in given:
            raise ValueError("UNTIL and COUNT exclude each other")
        count = given.get("COUNT")
        made = cls(
            frequency,
            _number("INTERVAL", given.get("INTERVAL", "1"), 1, MOST_INTERVAL),
            tuple(_day(each) for each in _list(given.get("BYDAY"))),
            tuple(_month_day(each) for each in _list(given.get("BYMONTHDAY"))),
            given.get("UNTIL"),
            None if count is None else _number("COUNT", count, 1, MOST_COUNT),
        )
        if made.until is not None:
            _until(made.until, UTC)
        if frequency == "WEEKLY" and made.month_days:
            raise ValueError("BYMONTHDAY has no meaning with FREQ=WEEKLY")
        if frequency != "MONTHLY" and any(ordinal for ordinal, _ in made.days):
            raise ValueError("BYDAY takes a number, as in 1MO or -1FR, only with FREQ=MONTHLY")
        return made

    def starts(self, first: datetime, floor: datetime, ceiling: datetime) -> Iterator[datetime]:
        """Starts (local) from `floor` to `ceiling`, of a series whose first is not before `first`.
        Neither `until` nor `count` is looked at."""
        if self._misses_every_day(first):
            return iter(())
        days, month_days = self.days, self.month_days
        if not days and not month_days:
            days = ((0, first.weekday()),) if self.frequency == "WEEKLY" else ()
            month_days = (first.day,) if self.frequency == "MONTHLY" else ()
        found = rrule.rrule(
            FREQUENCIES[self.frequency],
            dtstart=self._aligned(first, floor),
            interval=self.interval,
            byweekday=[_weekday(ordinal, weekday) for ordinal, weekday in days] or None,
            bymonthday=month_days or None,
            until=ceiling,
        )
        return (each for each in found if each >= floor)

    def _misses_every_day(self, first: datetime) -> bool:
        """Whether it comes round on a weekday that it does not ask for: that would be looked for to the
        end of the calendar."""
        weekdays = {weekday for _, weekday in self.days}
        whole_weeks = self.frequency == "DAILY" and self.interval % 7 == 0
        return whole_weeks and bool(weekdays) and first.weekday() not in weekdays

    def _aligned(self, first: datetime, floor: datetime) -> datetime:
        """Where to begin counting so that years need not be counted through: in step with `first`,
        and not after `floor` unless `first` is."""
        if floor <= first:
            return first
        match self.frequency:
            case "DAILY":
                return first + (floor - first).days // self.interval * self.interval * _DAY
            case "WEEKLY":
                monday = first - first.weekday() * _DAY
                weeks = (floor - monday).days // 7 // self.interval * self.interval
                return max(first, monday + weeks * 7 * _DAY)
            case _:
                months = (floor.year - first.year) * 12 + floor.month - first.month
                months = first.month - 1 + months // self.interval * self.interval
                begun = first.replace(year=first.year + months // 12, month=months % 12 + 1, day=1)
                return max(first, begun)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """`starts_at` and `except_at` are local times of the zone. Without a rule it occurs once.

    Raises ValueError for a zone or a rule that is none.
    """

    starts_at: datetime
    timezone: str
    length: timedelta
    rule: str | None = None
    except_at: frozenset[datetime] = frozenset()
    last_starts_at: datetime | None = None
    """The last start (an instant), where that is known: it spares counting to `COUNT`."""
    _rule: RecurrenceRule | None = field(init=False, compare=False, repr=False)
    _zone: tzinfo = field(init=False, compare=False, repr=False)
    _until: datetime | None = field(init=False, compare=False, repr=False)
    _known: list[tuple[datetime, datetime, Occurrence | None]] = field(
        init=False, compare=False, repr=False
    )
    """One entry: the last answer, and from when until when it holds. It spares the hot path the
    calendar."""

    def __post_init__(self) -> None:
        zone = time_zone(self.timezone)
        parsed = None if self.rule is None else RecurrenceRule.parse(self.rule)
        until = self.last_starts_at
        if until is None and parsed is not None and parsed.until is not None:
            until = _until(parsed.until, zone)
        object.__setattr__(self, "_rule", parsed)
        object.__setattr__(self, "_zone", zone)
        object.__setattr__(self, "_until", until)
        object.__setattr__(self, "_known", [])

    def at(self, now: datetime) -> Occurrence | None:
        """The occurrence that lasts at `now`; of two that overlap, the later."""
        for since, before, known in self._known:
            if since <= now < before:
                return known
        begun = [*self.starts(now - self.length, now)]
        found = Occurrence(begun[-1], begun[-1] + self.length) if begun else None
        ahead = next(self.starts(now, now + _AHEAD), now + _AHEAD)
        before = ahead if found is None else min(found.ends_at, ahead)
        self._known[:] = [(now, before, found)]
        return found

    def next(self, after: datetime, most: int) -> list[Occurrence]:
        """The first so many that end after `after`."""
        horizon = max(after, instant(self.starts_at, self._zone)) + HORIZON
        starts = self.starts(after - self.length, horizon)
        return [Occurrence(each, each + self.length) for each in islice(starts, most)]

    def first(self, most: int) -> list[Occurrence]:
        """The first so many of all."""
        return self.next(instant(self.starts_at, self._zone), most)

    def last_start(self) -> datetime | None:
        """The instant of the last start; None if there is always another."""
        if self._rule is None:
            return instant(self.starts_at, self._zone)
        if self._until is None and self._rule.count is None:
            return None
        first = instant(self.starts_at, self._zone)
        found = None
        for found in self.starts(first - _DAY, self._until or first + _LONGEST_SERIES):  # noqa: B007
            pass
        return found

    def starts(self, after: datetime, to: datetime) -> Iterator[datetime]:
        """Instants at which it starts, later than `after`, not later than `to`, in order."""
        if self._until is not None:
            to = min(to, self._until)
        if to <= after:
            return
        previous = after
        for local in self._local_starts(after, to):
            at = instant(local, self._zone)
            if at > to:
                return
            if at > previous:  # two may meet at the end of a gap
                previous = at
                yield at

    def _local_starts(self, after: datetime, to: datetime) -> Iterator[datetime]:
        if self._rule is None:
            yield from [self.starts_at] if self.starts_at not in self.except_at else []
            return
        floor = after.astimezone(self._zone).replace(tzinfo=None) - _LEEWAY
        ceiling = to.astimezone(self._zone).replace(tzinfo=None) + _LEEWAY
        counted = self._rule.count is not None and self.last_starts_at is None
        if counted:  # by RFC 5545 those that are excepted count, too
            floor = min(floor, self.starts_at)
        found = self._rule.starts(self.starts_at, floor, ceiling)
        for local in islice(found, self._rule.count) if counted else found:
            if local not in self.except_at:
                yield local


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _list(text: str | None) -> list[str]:
    return [] if text is None else text.split(",")


def _number(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and least <= int(text) <= most):
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
    return int(text)


def _day(text: str) -> tuple[int, int]:
    number, name = text[:-2], text[-2:]
    if name not in WEEKDAYS or number not in ("", *(f"{n:+d}" for n in _ORDINALS), *"12345"):
        raise ValueError(f"BYDAY takes days such as MO, 1MO or -1FR, not {text[:10]!r}")
    return int(number or 0), WEEKDAYS.index(name)


_ORDINALS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)


def _month_day(text: str) -> int:
    digits = text.removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits) <= 31 and len(text) < 4):
        raise ValueError(f"BYMONTHDAY takes 1 to 31, or -1 for the last day, not {text[:10]!r}")
    return int(text)


def _weekday(ordinal: int, weekday: int) -> rrule.weekday:
    day = rrule.weekdays[weekday]
    return day(ordinal) if ordinal else day


def _until(text: str, zone: tzinfo) -> datetime:
    """The instant after which nothing starts. Raises ValueError."""
    in_utc = text.endswith("Z")
    day, separator, clock = text.removesuffix("Z").partition("T")
    digits = day + clock
    whole = digits.isascii() and digits.isdigit() and len(day) == 8
    if whole and len(clock) == (6 if separator else 0) and (separator or not in_utc):
        try:
            local = datetime.strptime(digits, "%Y%m%d%H%M%S" if clock else "%Y%m%d")
        except ValueError:
            pass
        else:
            if not clock:
                local = datetime.combine(local, time(23, 59, 59))
            return local.replace(tzinfo=UTC) if in_utc else instant(local, zone)
    raise ValueError("UNTIL must read 20261231, 20261231T235959 or, in UTC, 20261231T235959Z")
