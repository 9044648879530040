"""One parser for the ways in which tools write times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from tocsin.ingest.sources.kit.written_times import read_written

_fromisoformat = datetime.fromisoformat
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# 1973 to 5138 in seconds; the next three orders of magnitude are milli-, micro-, nanoseconds.
_SECONDS: Final = 10**8
_MICROSECONDS_PER: Final = (
    (10**11, 1_000_000.0),
    (10**14, 1_000.0),
    (10**17, 1.0),
    (10**20, 0.001),
)

_NO_EPOCH: Final = 10**20
# Nobody's epoch has this many digits and begins as a year of ours does.
_DATE_DIGITS: Final = (12, 14, 17)
_FEWEST_DIGITS: Final = 10**11
_DAY_AND_OFFSET: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}[+-]")
_DOT_NET: Final = re.compile(r"/Date\((\d{1,19})(?:[+-]\d{4})?\)/")
_ODD_SPACES: Final = str.maketrans(dict.fromkeys("\u00a0\u2009\u202f", " "))


def parse_time(value: Any, zone: tzinfo) -> tuple[datetime | None, bool]:
    """The time in UTC, and whether the value is one that cannot be read.

    Accepted: ISO 8601 and RFC 3339 with any number of fractional digits (what is finer than a
    microsecond is cut), epoch seconds, milli-, micro- or nanoseconds as a number or as digits, the
    bare digits of a date and time, and what `written_times` reads, which has one meaning or none.
    A time without a zone is in `zone`. Unset, so (None, False): None, blank, 0, Go's zero time
    (0001-01-01).
    """
    if type(value) is str:
        try:
            at = _fromisoformat(value)
        except ValueError:
            return _unusual(value, zone)
        # Eight digits are a date to ISO 8601, more of them an epoch to everybody.
        if value.isdigit() and len(value) != 8:
            return _digits(value, zone)
        return _of_iso(at, value, zone)
    if value is None:
        return None, False
    if type(value) is int and value >= _FEWEST_DIGITS:
        return _digits(str(value), zone) if value < _NO_EPOCH else (None, True)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _epoch(value)
    return None, True


def _of_iso(at: datetime, text: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    # To Python any sign may stand between date and time; this is a day and its offset.
    if at.tzinfo is None and _DAY_AND_OFFSET.match(text):
        return None, True
    return _in_utc(at, zone)


def _in_utc(at: datetime, zone: tzinfo) -> tuple[datetime | None, bool]:
    if at.tzinfo is UTC and at.year > 1:
        return at, False
    if at.year <= 1:
        return None, False
    try:
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone)
        return at.astimezone(UTC), False
    except (OverflowError, ValueError):
        return None, True


def _epoch(number: float) -> tuple[datetime | None, bool]:
    if number == 0:
        return None, False
    if not number >= _SECONDS:  # also true of NaN
        return None, True
    for limit, microseconds in _MICROSECONDS_PER:
        if number < limit:
            return _EPOCH + timedelta(microseconds=round(number * microseconds)), False
    return None, True


def _digits(text: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    if len(text) not in _DATE_DIGITS or text[:2] not in ("19", "20"):
        return _epoch(int(text)) if len(text) <= 20 else (None, True)
    try:
        parts = [int(text[at : at + 2]) for at in range(4, min(len(text), 14), 2)]
        at = datetime(int(text[:4]), *parts)  # type: ignore[arg-type]
    except ValueError:
        return None, True
    return _in_utc(at + timedelta(milliseconds=int(text[14:] or 0)), zone)


def _unusual(value: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    text = value.translate(_ODD_SPACES).strip()
    if not text:
        return None, False
    if not text.isascii():
        return None, True
    if text.isdigit():
        return _digits(text, zone)
    if text.replace(".", "", 1).isdigit() and len(text) <= 32:
        # A decimal epoch keeps its fraction; a dotted date is not one number and comes later.
        return _epoch(float(text))
    try:
        return _of_iso(_fromisoformat(text), text, zone)
    except ValueError:
        pass
    if (found := _DOT_NET.fullmatch(text)) is not None:
        return _epoch(int(found[1]))
    at = read_written(text, zone)
    return (None, True) if at is None else _in_utc(at, zone)
