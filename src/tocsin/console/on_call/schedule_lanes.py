"""The lanes of a schedule's calendar: each layer, what was changed by hand, and who is on call in the
end, as bars in percent of the period. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tocsin.console.on_call.schedule_periods import Period
from tocsin.oncall.spans import Span

ROW = 36
"""How high a lane is for each of those who are on call together."""

_LETTER, _EDGES = 7, 14
_TIGHT = 9
"""What one small letter takes."""
_WIDTH = 720
"""In pixels, about: the lanes on a screen of usual width. What fits there is written into a bar."""


@dataclass(frozen=True, slots=True)
class LaneBar:
    """`style` is a person's hue, or `gap`, `fallback` or `nobody`. `starts_at` and `ends_at` as they
    are, be they within the period or not."""

    starts_at: datetime
    ends_at: datetime
    name: str
    style: str
    words: str
    user_id: str = ""
    is_new: bool = False
    """Tried, and not saved."""
    x: float = 0
    width: float = 0
    row: int = 0
    label: str = ""
    is_tight: bool = False
    """The label is one small letter, and fills the bar."""

    @property
    def y(self) -> int:
        return self.row * ROW + 4


@dataclass(frozen=True, slots=True)
class ScheduleLane:
    name: str
    caption: str
    bars: Sequence[LaneBar]
    is_result: bool = False

    @property
    def height(self) -> int:
        rows = max((bar.row for bar in self.bars), default=0) + 1
        return rows * ROW + 4


def placed(bars: Iterable[LaneBar], period: Period) -> list[LaneBar]:
    """Those within the period, each where it belongs; what is at the same time stands in rows."""
    begin, end = period.span
    found: list[LaneBar] = []
    ends: list[datetime] = []
    for bar in sorted(bars, key=lambda each: (each.starts_at, each.name)):
        if bar.ends_at <= begin or bar.starts_at >= end:
            continue
        x = period.at(bar.starts_at)
        width = round(period.at(bar.ends_at) - x, 3)
        row = next((place for place, last in enumerate(ends) if last <= bar.starts_at), len(ends))
        ends[row : row + 1] = [bar.ends_at]
        label = _label(bar.name, width)
        is_tight = not label and width * _WIDTH / 100 >= _TIGHT
        label = label or (bar.name[:1] if is_tight else "")
        found.append(
            replace(bar, x=x, width=width, row=row, label=label, is_tight=is_tight and bool(label))
        )
    return found


def _label(name: str, width: float) -> str:
    """As much of a name as fits: all of it, its first word, its first letter, or nothing."""
    pixels = width * _WIDTH / 100
    for text in (name, name.split(" ")[0], name[:1]):
        if len(text) * _LETTER + _EDGES <= pixels:
            return text
    return ""


def gap_bars(gaps: Iterable[Span], words: str) -> list[LaneBar]:
    return [LaneBar(each.starts_at, each.ends_at, "", "gap", words) for each in gaps]
