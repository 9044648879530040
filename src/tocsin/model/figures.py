"""Numbers of what may be too many to be counted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import log10


class Certainty(StrEnum):
    EXACT = "exact"
    ABOUT = "about"
    """As the database's statistics have it."""
    MORE = "more"
    """There are more; nobody has counted how many."""


@dataclass(frozen=True, slots=True)
class Figure:
    number: int
    certainty: Certainty

    @property
    def words(self) -> str:
        return said(self.number, self.certainty)


def said(number: int, certainty: Certainty) -> str:
    before = {Certainty.EXACT: "", Certainty.ABOUT: "about ", Certainty.MORE: "more than "}
    return f"{before[certainty]}{number:,}"


def judged(counted: int, most: int, estimate: int | None) -> Figure:
    """Counted up to `most`; beyond it an estimate counts, where there is one that can be true."""
    if counted <= most:
        return Figure(counted, Certainty.EXACT)
    if estimate is None or estimate <= most:
        return Figure(most, Certainty.MORE)
    return Figure(_rounded(estimate), Certainty.ABOUT)


def _rounded(number: int) -> int:
    """Two digits: more would look as if somebody knew."""
    return round(number, 1 - int(log10(number)))


def bytes_said(size: int) -> str:
    """`1.4 GB`: in steps of 1,000, as disks are sold."""
    left, unit = float(size), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if left < 1_000:
            break
        left, unit = left / 1_000, larger
    return f"{size} bytes" if unit == "bytes" else f"{left:.{0 if left >= 100 else 1}f} {unit}"
