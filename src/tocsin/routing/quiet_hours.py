"""Quiet hours: when a destination is left alone, by the wall clock of a time zone.

A period begins at `start` on each of its days and lasts until the next time the wall clock shows
`end`. Both ends are turned into instants, and quiet is what lies between them, so that a clock
change can neither stretch a period without end nor bring one back an hour later:

- A time that occurs twice (clocks go back) means its first occurrence.
- A time that never occurs (clocks go forward) means the first instant after the gap.
- Periods that touch or overlap are one, of one window or of several: the end is where the last of them
  ends.

Pure, except for `zoneinfo`, which reads a zone's rules once when a `QuietWindow` is made.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from tocsin.model import Severity

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# The local dates on which a period that is in force now can have begun. It is tomorrow's where clocks
# went back past midnight: that period has begun, and today is there once more.
_NEARBY_DAYS = tuple(timedelta(days=days) for days in (-1, 0, 1))

# Until when "it is not quiet" holds where no period begins in the days ahead.
_DAYS_AHEAD = tuple(timedelta(days=days) for days in (-1, 0, 1, 2, 3))
_NOTHING_AHEAD = timedelta(hours=6)

# Seven periods make a week. A chain of windows that come back every week and is longer than that has no
# end, and quiet without end is a mistake in the settings, not a wish. One of certain months or days of
# the month does end; it is followed for a while, and then asked again.
_LONGEST_CHAIN = 9
_LONGEST_DATED_CHAIN = 35

ALL_MONTHS = frozenset(range(1, 13))
ALL_DAYS_OF_MONTH = frozenset(range(1, 32))


@dataclass(frozen=True, slots=True)
class QuietWindow:
    """`days` are those on which a period begins, if `months` and `days_of_month` agree (None: all of
    them; −1 is the last day of a month). `end` at or before `start` is on the next day, so that equal
    times mean a whole day.

    Never raises: settings that cannot be understood carry their `fault` and are never quiet.
    """

    days: frozenset[str]
    start: str
    end: str
    timezone: str
    breakthrough_severity: Severity | None = None
    months: frozenset[int] | None = None
    days_of_month: frozenset[int] | None = None
    fault: str | None = field(init=False, compare=False, repr=False)
    _weekdays: frozenset[int] = field(init=False, compare=False, repr=False)
    _start: time = field(init=False, compare=False, repr=False)
    _end: time = field(init=False, compare=False, repr=False)
    _zone: tzinfo = field(init=False, compare=False, repr=False)
    _known: list[tuple[datetime, datetime, datetime | None]] = field(
        init=False, compare=False, repr=False
    )
    """One entry: the last answer, and from when until when it holds. It spares the hot path the
    calendar: an answer changes twice a day and is asked for with every webhook."""

    def __post_init__(self) -> None:
        fault: str | None = None
        weekdays: frozenset[int] = frozenset()
        start = end = time()
        zone: tzinfo = UTC
        try:
            weekdays = frozenset(weekday(day) for day in self.days)
            start, end = wall_time(self.start), wall_time(self.end)
            zone = time_zone(self.timezone)
        except ValueError as error:
            fault, weekdays = str(error), frozenset()
        object.__setattr__(self, "fault", fault)
        object.__setattr__(self, "_weekdays", weekdays)
        object.__setattr__(self, "_start", start)
        object.__setattr__(self, "_end", end)
        object.__setattr__(self, "_zone", zone)
        object.__setattr__(self, "_known", [])

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> QuietWindow:
        severity = document.get("breakthrough_severity")
        months, dates = document.get("months"), document.get("days_of_month")
        return cls(
            days=frozenset(document.get("days", DAYS)),
            start=document["start"],
            end=document["end"],
            timezone=document["timezone"],
            breakthrough_severity=None if severity is None else Severity(severity),
            months=None if months is None else frozenset(months),
            days_of_month=None if dates is None else frozenset(dates),
        )

    def document(self) -> dict[str, Any]:
        severity = self.breakthrough_severity
        return {
            "days": [day for day in DAYS if day in self.days],
            "start": self.start,
            "end": self.end,
            "timezone": self.timezone,
            "months": None if self.months is None else sorted(self.months),
            "days_of_month": None if self.days_of_month is None else sorted(self.days_of_month),
            "breakthrough_severity": None if severity is None else severity.value,
        }

    @property
    def is_weekly(self) -> bool:
        """Whether every week is like the next."""
        months, dates = self.months, self.days_of_month
        return (months is None or months >= ALL_MONTHS) and (
            dates is None or dates >= ALL_DAYS_OF_MONTH
        )

    def holds(self, severity: Severity) -> bool:
        """Whether it holds messages of this severity at all."""
        least = self.breakthrough_severity
        return least is None or not severity.at_least(least)

    def until(self, now: datetime) -> datetime | None:
        """The end (UTC, after `now`) of the quiet that is in force at `now`; None if it is not quiet."""
        for since, before, known in self._known:
            if since <= now < before:
                return known
        answer = end_of_quiet((self,), now)
        before = self.next_start_after(now) if answer is None else answer
        self._known[:] = [(now, before, answer)]
        return answer

    def period(self, day: date) -> tuple[datetime, datetime]:
        """First instant and end (UTC) of the period that begins on a local day. They are equal
        where the whole period falls into a gap: there is no quiet then."""
        last = day if self._end > self._start else day + timedelta(days=1)
        return (
            instant(datetime.combine(day, self._start), self._zone),
            instant(datetime.combine(last, self._end), self._zone),
        )

    def end_of_period_at(self, at: datetime) -> datetime | None:
        """The end of the period that is in force; of several, the first that was found."""
        today = at.astimezone(self._zone).date()
        for distance in _NEARBY_DAYS:
            day = today + distance
            if not self._begins_on(day):
                continue
            start, end = self.period(day)
            if start <= at < end:
                return end
        return None

    def next_start_after(self, at: datetime) -> datetime:
        """No period begins between `at` and this instant."""
        today = at.astimezone(self._zone).date()
        starts = [
            start
            for day in (today + distance for distance in _DAYS_AHEAD)
            if self._begins_on(day) and (start := self.period(day)[0]) > at
        ]
        return min(starts, default=at + _NOTHING_AHEAD)

    def _begins_on(self, day: date) -> bool:
        if day.weekday() not in self._weekdays:
            return False
        if self.months is not None and day.month not in self.months:
            return False
        if self.days_of_month is None:
            return True
        length = monthrange(day.year, day.month)[1]
        return not self.days_of_month.isdisjoint((day.day, day.day - length - 1))


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The quiet windows of one rule: it is quiet while any of them is."""

    windows: tuple[QuietWindow, ...]
    _known: dict[Severity, tuple[datetime, datetime, datetime | None]] = field(
        init=False, compare=False, repr=False, default_factory=dict
    )
    """As the window's, per severity: not every window holds every severity."""

    @classmethod
    def from_documents(cls, documents: Iterable[Mapping[str, Any]]) -> QuietHours | None:
        """None: there are none."""
        windows = tuple(QuietWindow.from_document(each) for each in documents)
        return cls(windows) if windows else None

    def hold(self, severity: Severity, now: datetime) -> datetime | None:
        """Until when a message of this severity is held back; None if it may go now."""
        if len(self.windows) == 1:
            (window,) = self.windows
            return window.until(now) if window.holds(severity) else None
        holding = [window for window in self.windows if window.holds(severity)]
        if not holding:
            return None
        known = self._known.get(severity)
        if known is not None and known[0] <= now < known[1]:
            return known[2]
        answer = end_of_quiet(holding, now)
        before = min(each.next_start_after(now) for each in holding) if answer is None else answer
        self._known[severity] = (now, before, answer)
        return answer

    def holding(self, severity: Severity, now: datetime) -> QuietWindow | None:
        """The first window that holds such a message now."""
        for window in self.windows:
            if window.holds(severity) and window.until(now) is not None:
                return window
        return None


def end_of_quiet(windows: Sequence[QuietWindow], now: datetime) -> datetime | None:
    """The end of the quiet that is in force at `now`, in which windows take over from each other."""
    end = _end_of_periods_at(windows, now)
    if end is None:
        return None
    is_weekly = all(window.is_weekly for window in windows)
    for _ in range(_LONGEST_CHAIN if is_weekly else _LONGEST_DATED_CHAIN):
        later = _end_of_periods_at(windows, end)
        if later is None:
            return end
        end = later
    return None if never_ends(windows, now) else end


def never_ends(windows: Sequence[QuietWindow], now: datetime) -> bool:
    """Whether those windows that come back every week leave no gap."""
    weekly = [window for window in windows if window.is_weekly]
    at, last = now, now + timedelta(days=8)
    while at < last:
        end = _end_of_periods_at(weekly, at)
        if end is None:
            return False
        at = end
    return True


def _end_of_periods_at(windows: Sequence[QuietWindow], at: datetime) -> datetime | None:
    ends = [end for window in windows if (end := window.end_of_period_at(at)) is not None]
    return max(ends, default=None)


def instant(local: datetime, zone: tzinfo) -> datetime:
    """The instant (UTC) at which a naive local time is meant: see the rules at the top."""
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return at
    # PEP 495: in a gap, fold=1 applies the offset after it and so lands before it.
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _clock_change(before, at, zone)


def _clock_change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first instant with another offset than `before`; changes fall on whole seconds."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while low + 1 < high:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def weekday(name: str) -> int:
    """0 for `mon` to 6 for `sun`. Raises ValueError."""
    if name not in DAYS:
        raise ValueError(f"{name!r} is not a day; write one of {', '.join(DAYS)}")
    return DAYS.index(name)


def wall_time(text: str) -> time:
    """`HH:MM` of a 24-hour clock. Raises ValueError."""
    hours, colon, minutes = text.partition(":")
    digits = hours + minutes
    if colon and len(hours) == len(minutes) == 2 and digits.isascii() and digits.isdigit():
        if text == "24:00":
            raise ValueError("the end of the day is written 00:00")
        if int(hours) < 24 and int(minutes) < 60:
            return time(int(hours), int(minutes))
    raise ValueError(f"{text!r} is not a time; write HH:MM, such as 22:00")


def time_zone(name: str) -> ZoneInfo:
    """A zone of the IANA database. Raises ValueError."""
    try:
        return ZoneInfo(name)
    # Beside its own error, zoneinfo lets through what opening a folder or an odd path raises.
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is not a time zone of the IANA database; write one such as Europe/Berlin"
        ) from None
