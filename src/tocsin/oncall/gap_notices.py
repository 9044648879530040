"""The daily look at gaps: which of the coming weeks are new to whoever looks after a schedule. Pure.

Nobody reads a message that says the same every day. A gap is announced when it is seen first, sixty days
ahead if it stands there so early, and once more in the week before it; one that comes back every week
(three times or more at the same hours) is announced once, whichever of its times comes into view.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tocsin.model import iso
from tocsin.oncall.changes import gap_words
from tocsin.oncall.shift_notices import NoticeWords
from tocsin.oncall.spans import Span

AHEAD = timedelta(days=60)
BACK = timedelta(days=8)
"""So far is looked back: a gap that has begun is known by its beginning."""
SOON = timedelta(days=7)
WEEKLY_FROM = 3
"""As many at the same hours of the week are one that comes back."""

LOOK_AT = time(8)
"""By the schedule's clock: whoever reads it can still do something that day."""


@dataclass(frozen=True, slots=True)
class GapNews:
    """`keys` are those of all gaps that there are; `new` are the gaps that nobody was told of, `all`
    those that there are from now on."""

    keys: frozenset[str]
    new: tuple[Span, ...]
    all: tuple[Span, ...]


def look_at(now: datetime) -> Span:
    """The time whose gaps are looked at."""
    return Span(now - BACK, now + AHEAD)


def gap_news(found: Sequence[Span], known: Set[str], now: datetime, zone: tzinfo) -> GapNews:
    """What of these gaps of `look_at(now)` is to be told, where `known` was told before."""
    window = look_at(now)
    # A short one at the far end is looked at when all of it is in view.
    present = [
        span
        for span in found
        if span.ends_at > now and (span.ends_at < window.ends_at or span.length > SOON)
    ]
    weekly = Counter(_week_key(span, zone) for span in found)
    keys: set[str] = set()
    new = []
    for span in present:
        key = _week_key(span, zone)
        if weekly[key] < WEEKLY_FROM:
            key = _key(span, window, now)
        if key not in known:
            new.append(span)
        keys.add(key)
    return GapNews(frozenset(keys), tuple(new), tuple(present))


def _week_key(span: Span, zone: tzinfo) -> str:
    begin, end = span.starts_at.astimezone(zone), span.ends_at.astimezone(zone)
    days = (end.date() - begin.date()).days
    return f"weekly {begin:%a %H:%M} {days} {end:%H:%M}"


def _key(span: Span, window: Span, now: datetime) -> str:
    begin = "" if span.starts_at <= window.starts_at else iso(span.starts_at)
    end = "" if span.ends_at >= window.ends_at else iso(span.ends_at)
    return f"{'soon' if span.starts_at - now < SOON else 'once'} {begin}/{end}"


def gap_notice(
    schedule: str, news: GapNews, timezone: str, disabled: Sequence[str] = ()
) -> NoticeWords:
    """The new ones first; how much there is in all, where that is more. `disabled` are the names of
    those who have turns that count as gaps, for nobody pages them."""
    zone = ZoneInfo(timezone)
    text = f"{gap_words(news.new, zone)}."
    if len(news.all) > len(news.new):
        text = f"New: {text} In all {gap_words(news.all, zone)}."
    if disabled:
        are = "are" if len(disabled) > 1 else "is"
        text += f" {' and '.join(disabled)} {are} disabled and still on the schedule."
    return NoticeWords(
        f"{schedule}: nobody is on call at times in the next {AHEAD.days} days",
        f"{text} Times in {timezone}.",
    )
