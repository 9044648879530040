"""How long, as a person types it: `90 s`, `10 min`, `1 h 30 min`, `2 d`."""

from __future__ import annotations

import re

MINUTE = 60
_UNITS = {"s": 1, "m": MINUTE, "min": MINUTE, "h": 3_600, "d": 86_400, "w": 604_800}
_WRITTEN = (("d", 86_400), ("h", 3_600), ("min", MINUTE), ("s", 1))
_PART = re.compile(r"(?P<number>\d{1,9}(?:[.,]\d{1,3})?)\s*(?P<unit>min|[smhdw])\s*")
_NUMBER = re.compile(r"\d{1,9}(?:[.,]\d{1,3})?")


def read_duration(text: str, unit: int = MINUTE) -> int | None:
    """In seconds, a number alone in `unit`; None if it says no time."""
    text = text.strip().lower()
    if _NUMBER.fullmatch(text):
        return _seconds(text, unit)
    total, place = 0, 0
    while place < len(text):
        found = _PART.match(text, place)
        if found is None:
            return None
        total += _seconds(found["number"], _UNITS[found["unit"]])
        place = found.end()
    return total if text else None


def write_duration(seconds: int | None) -> str:
    """To the second; empty if there is none."""
    if seconds is None:
        return ""
    parts, left = [], seconds
    for unit, size in _WRITTEN:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts) or "0 s"


def fault_of_duration(seconds: int | None, least: int, most: int) -> str | None:
    """What is wrong with what was read; None if nothing is."""
    if seconds is None:
        return "Write how long, for instance 90 s, 10 min or 1 h 30 min."
    if not least <= seconds <= most:
        return f"From {write_duration(least)} to {write_duration(most)}."
    return None


def _seconds(number: str, unit: int) -> int:
    return round(float(number.replace(",", ".")) * unit)
