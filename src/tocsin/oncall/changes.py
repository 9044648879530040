"""What a change of a schedule does, before it is saved: who is on call more, who less, which gaps come
and go. Also in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.oncall.resolve import CauseKind, Shift, gaps, resolve
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.oncall.spans import Span, left_of, merged

MOST_LISTED = 5
"""Times of one person that are listed in words; the rest is counted."""


@dataclass(frozen=True, slots=True)
class UserChange:
    user: UUID
    spans: tuple[Span, ...]

    @property
    def length(self) -> timedelta:
        return sum((span.length for span in self.spans), timedelta())


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    gains: tuple[UserChange, ...]
    losses: tuple[UserChange, ...]
    new_gaps: tuple[Span, ...]
    closed_gaps: tuple[Span, ...]
    gaps: tuple[Span, ...]
    """All that there are afterwards."""

    @property
    def has_effect(self) -> bool:
        return bool(self.gains or self.losses or self.new_gaps or self.closed_gaps)


def compare(before: OnCallSchedule, after: OnCallSchedule, span: Span) -> ScheduleChange:
    """What differs in this time. The fallback is nobody on call."""
    was, becomes = resolve(before, *span), resolve(after, *span)
    old, new = _by_user(was), _by_user(becomes)
    old_gaps, new_gaps = gaps(before, was, span), gaps(after, becomes, span)
    return ScheduleChange(
        _more(old, new),
        _more(new, old),
        # Before there was a schedule nobody was on call either: all its gaps are new.
        tuple(left_of(new_gaps, old_gaps)),
        tuple(left_of(old_gaps, new_gaps)),
        tuple(new_gaps),
    )


def _by_user(shifts: Sequence[Shift]) -> dict[UUID, list[Span]]:
    spans: dict[UUID, list[Span]] = {}
    for shift in shifts:
        if shift.user is not None and shift.cause.kind is not CauseKind.FALLBACK:
            spans.setdefault(shift.user, []).append(Span(shift.starts_at, shift.ends_at))
    return {user: merged(each) for user, each in spans.items()}


def _more(
    less: Mapping[UUID, Sequence[Span]], more: Mapping[UUID, Sequence[Span]]
) -> tuple[UserChange, ...]:
    found = (
        UserChange(user, tuple(left_of(spans, less.get(user, ())))) for user, spans in more.items()
    )
    return tuple(each for each in found if each.spans)


def in_words(change: ScheduleChange, names: Mapping[UUID, str], timezone: str) -> list[str]:
    """One line for each person and for the gaps, times by the clock of the zone."""
    if not change.has_effect:
        return ["No effect: the same people are on call at the same times."]
    zone = ZoneInfo(timezone)
    lines = []
    for changes, verb in ((change.gains, "gains"), (change.losses, "loses")):
        for each in sorted(changes, key=lambda each: names.get(each.user, "")):
            name = names.get(each.user, "somebody who is gone")
            times = listed(each.spans, zone)
            lines.append(f"{name} {verb} {spelled_hours(each.length)}: {times}.")
    if change.new_gaps:
        lines.append(f"{gap_words(change.new_gaps, zone)}: nobody is on call.")
    if change.closed_gaps:
        lines.append(f"{gap_words(change.closed_gaps, zone)}: no gap any more.")
    return lines


def gap_words(spans: Sequence[Span], zone: tzinfo) -> str:
    """`14 h without anybody (…)` is read more easily than times alone."""
    total = sum((span.length for span in spans), timedelta())
    return f"{spelled_hours(total)} ({listed(spans, zone)})"


def listed(spans: Sequence[Span], zone: tzinfo) -> str:
    """The first few, and how many more there are."""
    texts = [said(span, zone) for span in spans[:MOST_LISTED]]
    if more := len(spans) - MOST_LISTED:
        texts += [f"and {more} more"] if more > 0 else []
    return "; ".join(texts)


def said(span: Span, zone: tzinfo) -> str:
    """`Thu 24 Dec 09:00 to 23:00`, by the clock of the zone."""
    begin, end = span.starts_at.astimezone(zone), span.ends_at.astimezone(zone)
    until = f"{end:%H:%M}" if begin.date() == end.date() else moment_words(span.ends_at, zone)
    return f"{moment_words(span.starts_at, zone)} to {until}"


def moment_words(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local:%H:%M}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def spelled_hours(span: timedelta) -> str:
    """`14 h`, `1 h 30 min`, `45 min`."""
    hours, minutes = divmod(round(span.total_seconds() / 60), 60)
    parts = [f"{hours} h"] if hours else []
    if minutes or not hours:
        parts.append(f"{minutes} min")
    return " ".join(parts)
