"""Times as people and their tools write them: `Nov 25, 2026, 10:03:20 AM`, `Wed Nov 25 10:03:20 CET
2026`, `2026-11-25 10:03:20.5 +0100 CET m=+0.1`, `25/Nov/2026:10:03:20 +0100`.

Every word of the text must be understood and the whole must have one meaning only. What is left
over or ambiguous (`05/06/2026`, `CST` outside a zone that calls itself so) makes the time unreadable:
no time is better than a wrong one, which would put signals in the wrong order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LENGTH: Final = 100

_MONTH_NAMES: Final = (
    "january february march april may june july august september october november december"
)
_DAY_NAMES: Final = "monday tuesday wednesday thursday friday saturday sunday"
_MONTHS: Final = {"sept": 9} | {
    spelled: number
    for number, name in enumerate(_MONTH_NAMES.split(), 1)
    for spelled in (name, name[:3])
}
_WEEKDAYS: Final = {"tues": 1, "weds": 2, "thur": 3, "thurs": 3} | {
    spelled: number
    for number, name in enumerate(_DAY_NAMES.split())
    for spelled in (name, name[:3])
}
_FILLERS: Final = frozenset(("at", "on", "of"))

# Hours east of UTC. Left out are those that several countries use for different times: CST, IST,
# AST, GST and the like are known only in an integration's zone that calls itself so.
_ZONES: Final = {
    **dict.fromkeys(("UTC", "GMT", "UT", "Z", "UCT", "WET"), 0.0),
    "WEST": 1,
    "BST": 1,
    "CET": 1,
    "MET": 1,
    "MEZ": 1,
    "WAT": 1,
    "CEST": 2,
    "MEST": 2,
    "MESZ": 2,
    "EET": 2,
    "CAT": 2,
    "SAST": 2,
    "EEST": 3,
    "MSK": 3,
    "EAT": 3,
    "TRT": 3,
    "IDT": 3,
    "IRST": 3.5,
    "PKT": 5,
    "NPT": 5.75,
    "ICT": 7,
    "WIB": 7,
    "WITA": 8,
    "WIT": 9,
    "HKT": 8,
    "SGT": 8,
    "PHT": 8,
    "AWST": 8,
    "JST": 9,
    "KST": 9,
    "ACST": 9.5,
    "ACDT": 10.5,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
    "NST": -3.5,
    "NDT": -2.5,
    "BRT": -3,
    "ART": -3,
    "CLT": -4,
    "COT": -5,
    "PET": -5,
    "EST": -5,
    "EDT": -4,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
}
_LONG_NAMES: Final = {
    "coordinated universal time": "UTC",
    "greenwich mean time": "GMT",
    "central european standard time": "CET",
    "central european summer time": "CEST",
    "india standard time": "Asia/Kolkata",
    "japan standard time": "JST",
    "korea standard time": "KST",
    "china standard time": "Asia/Shanghai",
    "australian eastern daylight time": "AEDT",
    "australian eastern standard time": "AEST",
    "pacific daylight time": "PDT",
    "mountain daylight time": "MDT",
    "central daylight time": "CDT",
    "eastern daylight time": "EDT",
}

_CLOCK: Final = re.compile(
    r"(?<![\d:.+-])(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?![\d:])"
    r"(?:\s*([AaPp])\.?[Mm]\.?(?![A-Za-z]))?"
)
_OFFSET: Final = re.compile(r"\s*(?:(?:UTC|GMT)\s?)?([+-])(\d{1,2})(?::?(\d{2}))?(?![\d:./-])")
_MONOTONIC: Final = re.compile(r" m=[+-]\d+(?:\.\d+)?$")
_REMARK: Final = re.compile(r"\s*(?:\(([A-Za-z ]+)\)|\[([A-Za-z_/+-]+)\])$")
_ACCESS_LOG: Final = re.compile(r"^(\d{1,2}/[A-Za-z]{3}/\d{4}):(?=\d)")
_ISO_T: Final = re.compile(r"(?<=\d)[Tt](?=\d)")
_DATE: Final = re.compile(r"(\d{1,4})([-/.])(\d{1,2}|[A-Za-z]{3,9})\2(\d{1,4})")
_DAY: Final = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.)?")
_NAME: Final = re.compile(r"[A-Z]{1,5}")
_PLACE: Final = re.compile(r"[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_+-]+){1,2}")


@dataclass(slots=True)
class _Words:
    """What the words of a text say."""

    weekday: int | None = None
    month: int | None = None
    year: int | None = None
    days: list[int] = field(default_factory=list)
    dates: list[date] | None = None
    zone: str | None = None

    def take(self, word: str) -> bool:
        """Whether the word is understood, and says nothing that was said before."""
        plain = word.lower().rstrip(".")
        if plain in _FILLERS:
            return True
        if plain in _WEEKDAYS:
            fresh, self.weekday = self.weekday is None, _WEEKDAYS[plain]
        elif plain in _MONTHS:
            fresh, self.month = self.month is None, _MONTHS[plain]
        elif len(word) == 4 and word.isdigit():
            fresh, self.year = self.year is None, int(word)
        elif found := _DAY.fullmatch(word):
            fresh = not self.days
            self.days.append(int(found[1]))
        elif found := _DATE.fullmatch(word):
            fresh, self.dates = self.dates is None, list(_dates(*found.groups()))
        else:
            fresh, self.zone = self.zone is None, word
        return fresh

    def date(self) -> date | None:
        """The one date that is meant."""
        if self.dates is None:
            if self.month is None or self.year is None or not self.days:
                return None
            candidates = set(_valid(self.year, self.month, self.days[0]))
        elif self.month is None and self.year is None and not self.days:
            candidates = set(self.dates)
        else:
            return None
        if self.weekday is not None:
            candidates = {day for day in candidates if day.weekday() == self.weekday}
        return candidates.pop() if len(candidates) == 1 else None


def read_written(text: str, zone: tzinfo) -> datetime | None:
    """The time that a text gives, with its zone (`zone` if it names none); None if it cannot be
    read, or can be read in two ways."""
    text = " ".join(text.split())
    if len(text) > _LENGTH or not text.isascii():
        return None
    text = _ACCESS_LOG.sub(r"\1 ", _MONOTONIC.sub("", text))
    remark = None
    if (found := _REMARK.search(text)) is not None:
        remark, text = found[1] or found[2], text[: found.start()]
    text = _ISO_T.sub(" ", text)
    clock = _CLOCK.search(text)
    if clock is None or (time := _time_of_day(*clock.groups())) is None:
        return None
    before, after = text[: clock.start()], text[clock.end() :]
    offset = None
    if (found := _OFFSET.match(after)) is not None:
        offset, after = _offset(*found.groups()), after[found.end() :]
        if offset is None:
            return None
        if found[0].strip() == after.strip():
            # Where a zone has no name Go writes the offset a second time.
            after = ""
    lower = after.strip().lower()
    words = _Words()
    if lower in _LONG_NAMES:
        words.zone, after = _LONG_NAMES[lower], ""
    if not all(words.take(word) for word in re.split(r"[\s,]+", f"{before} {after}") if word):
        return None
    day = words.date()
    if day is None:
        return None
    at = datetime(day.year, day.month, day.day) + time
    if offset is not None:
        return at.replace(tzinfo=offset) if _agree(offset, words.zone) else None
    name = words.zone or (_LONG_NAMES.get(remark.lower(), remark) if remark else None)
    return at.replace(tzinfo=zone) if name is None else _in_zone(at, name, zone)


def _time_of_day(
    hour: str, minute: str, second: str | None, fraction: str | None, half: str | None
) -> timedelta | None:
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if half is not None:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in "Pp" else 0)
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    return timedelta(
        hours=hours,
        minutes=minutes,
        # The standard alone knows a sixtieth second; elsewhere the one before replaces it.
        seconds=min(seconds, 59),
        microseconds=int((fraction or "0")[:6].ljust(6, "0")),
    )


def _offset(sign: str, hours: str, minutes: str | None) -> timezone | None:
    span = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if span > timedelta(hours=14) or int(minutes or 0) > 59:
        return None
    return timezone(-span if sign == "-" else span)


def _agree(offset: timezone, name: str | None) -> bool:
    """Whether a zone's name may stand beside the offset, which then counts."""
    if name is None or (_NAME.fullmatch(name) is None and _PLACE.fullmatch(name) is None):
        return name is None
    return name not in ("UTC", "GMT", "Z") or not offset.utcoffset(None)


def _dates(first: str, mark: str, middle: str, last: str) -> Iterator[date]:
    """Every day that `first/middle/last` may mean."""
    if not middle.isdigit():
        month = _MONTHS.get(middle.lower())
        if month is None:
            return
        if len(first) == 4:
            yield from _valid(int(first), month, int(last))
        elif len(first) <= 2 and len(last) == 4:
            yield from _valid(int(last), month, int(first))
        elif len(first) <= 2 and len(last) == 2:
            yield from _valid(_century(last), month, int(first))
            yield from _valid(_century(first), month, int(last))
        return
    a, b, c = int(first), int(middle), int(last)
    if len(first) == 4 and len(last) <= 2:
        yield from _valid(a, b, c)
    elif len(first) <= 2 and len(last) in (2, 4):
        year = c if len(last) == 4 else _century(last)
        yield from _valid(year, b, a)
        # Dates with dots have the day first.
        if mark != ".":
            yield from _valid(year, a, b)
            if len(first) == len(last) == 2:
                yield from _valid(_century(first), b, c)


def _century(digits: str) -> int:
    return 2000 + int(digits) if int(digits) < 70 else 1900 + int(digits)


def _valid(year: int, month: int, day: int) -> Iterator[date]:
    try:
        yield date(year, month, day)
    except ValueError:
        return


def _in_zone(at: datetime, name: str, zone: tzinfo) -> datetime | None:
    for fold in (0, 1):
        local = at.replace(tzinfo=zone, fold=fold)
        if local.tzname() == name:
            return local
    name = _LONG_NAMES.get(name, name)
    hours = _ZONES.get(name.upper())
    if hours is not None:
        return at.replace(tzinfo=timezone(timedelta(hours=hours)))
    place = _place(name) if _PLACE.fullmatch(name) else None
    return None if place is None else at.replace(tzinfo=place)


@lru_cache(maxsize=256)
def _place(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
