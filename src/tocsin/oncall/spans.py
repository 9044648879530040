"""Spans of time, half-open: what they are together, and what is left of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple


class Span(NamedTuple):
    """From `starts_at` until just before `ends_at`."""

    starts_at: datetime
    ends_at: datetime

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order; what adjoins is one."""
    united: list[Span] = []
    for span in sorted(spans):
        if united and span.starts_at <= united[-1].ends_at:
            if span.ends_at > united[-1].ends_at:
                united[-1] = Span(united[-1].starts_at, span.ends_at)
        elif span.ends_at > span.starts_at:
            united.append(span)
    return united


def left_of(spans: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """What of the spans is not taken; both in order, those that are taken apart from each other."""
    left: list[Span] = []
    first = 0
    for span in spans:
        while first < len(taken) and taken[first].ends_at <= span.starts_at:
            first += 1
        begin = span.starts_at
        for number in range(first, len(taken)):
            if taken[number].starts_at >= span.ends_at:
                break
            if taken[number].starts_at > begin:
                left.append(Span(begin, taken[number].starts_at))
            begin = taken[number].ends_at
        if begin < span.ends_at:
            left.append(Span(begin, span.ends_at))
    return left
