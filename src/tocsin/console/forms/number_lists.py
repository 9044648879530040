"""Months and days of the month as a person types them: `jan-mar, dec`, `1-7, -1`."""

from __future__ import annotations

import re
from collections.abc import Sequence

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_RANGE = re.compile(
    r"(?P<first>-?\d{1,2}|[a-z]{3,9})(?:\s*(?:-|to)\s*(?P<last>-?\d{1,2}|[a-z]{3,9}))?"
)


def read_numbers(text: str, names: Sequence[str], known: range) -> tuple[list[int], str | None]:
    """`1-7, -1`, or by name `jan-mar, dec`; and the first part that is neither."""
    numbers: list[int] = []
    for part in (each.strip() for each in text.lower().split(",") if each.strip()):
        found = _RANGE.fullmatch(part)
        ends = [] if found is None else [_number(each, names) for each in found.groups() if each]
        if not ends or any(each not in known or each == 0 for each in ends) or ends[0] > ends[-1]:
            return numbers, part[:40]
        numbers += [each for each in range(ends[0], ends[-1] + 1) if each]
    return sorted(set(numbers)), None


def _number(word: str, names: Sequence[str]) -> int:
    """0 if it is none."""
    if word.lstrip("-").isdecimal():
        return int(word)
    return names.index(word[:3]) + 1 if word[:3] in names else 0


def write_numbers(numbers: Sequence[int], names: Sequence[str] = ()) -> str:
    runs: list[list[int]] = []
    for each in sorted(numbers):
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    written = [
        names[each - 1] if names else str(each) for run in runs for each in (run[0], run[-1])
    ]
    pairs = zip(written[::2], written[1::2], strict=True)
    return ", ".join(first if first == last else f"{first}-{last}" for first, last in pairs)
