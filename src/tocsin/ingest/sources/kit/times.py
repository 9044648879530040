"""One parser for the ways in which tools write times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any, Final

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


def parse_time(value: Any, zone: tzinfo) -> tuple[datetime | None, bool]:
    """The time in UTC, and whether the value is one that cannot be read.

    Accepted: ISO 8601 and RFC 3339 with any number of fractional digits (what is finer than a
    microsecond is cut), offsets with and without a colon, `… UTC`, RFC 2822, dots or slashes in a
    leading year-month-day, epoch seconds, milli-, micro- or nanoseconds as a number or as digits.
    A time without a zone is in `zone`. Unset, hence (None, False): None, blank, 0, Go's zero time
    (0001-01-01).
    """
    if type(value) is str:
        try:
            at = _fromisoformat(value)
        except ValueError:
            return _unusual(value, zone)
        # Eight digits are a date to ISO 8601, more of them an epoch to everybody.
        if value.isdigit() and len(value) != 8:
            return _epoch(int(value))
        return _in_utc(at, zone)
    if value is None:
        return None, False
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _epoch(value)
    return None, True


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


def _unusual(value: str, zone: tzinfo) -> tuple[datetime | None, bool]:
    text = value.strip()
    if not text:
        return None, False
    if len(text) > 64 or not text.isascii():
        return None, True
    if text.isdigit():
        return _epoch(int(text))
    if text.replace(".", "", 1).isdigit():
        # A decimal epoch keeps its fraction; a dotted date is not one number and comes later.
        return _epoch(float(text))
    for spelled in (text, _respelled(text)):
        try:
            return _in_utc(_fromisoformat(spelled), zone)
        except ValueError:
            continue
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None, True
    return _in_utc(at, zone)


def _respelled(text: str) -> str:
    """Nearer to ISO 8601: `2026.08.22 14:04:20`, `… 15:23:28 UTC`, `… +0000 UTC`, lower case,
    a leap second (which the next second stands for everywhere but in the standard)."""
    text = text.upper()
    for name in (" UTC", " GMT", " Z"):
        if text.endswith(name):
            text = text[: -len(name)].rstrip()
            if text[-6:-5] not in ("+", "-") and text[-5:-4] not in ("+", "-"):
                text += "Z"
    if len(text) > 9 and text[4] in "./" and text[7] == text[4]:
        text = f"{text[:4]}-{text[5:7]}-{text[8:]}"
    head, blank, offset = text.rpartition(" ")
    if blank and offset[:1] in ("+", "-"):
        text = head + offset
    return text.replace(":60", ":59", 1) if text[16:19] == ":60" else text
