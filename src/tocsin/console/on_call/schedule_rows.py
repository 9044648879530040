"""A schedule as lanes and as the same list, with words for the ear and for who rests on a bar. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.console.frame.render import hue, local_input
from tocsin.console.on_call.schedule_acts import TriedChange
from tocsin.console.on_call.schedule_lanes import LaneBar, ScheduleLane, gap_bars, placed
from tocsin.console.on_call.schedule_lines import write_hours
from tocsin.console.on_call.schedule_periods import Period
from tocsin.console.on_call.schedule_reading import ShownSchedule, is_somebodys
from tocsin.oncall.changes import said, spelled_hours
from tocsin.oncall.resolve import CauseKind
from tocsin.oncall.schedule import OverrideKind
from tocsin.oncall.spans import Span
from tocsin.resources.schedule_shapes import ShiftOut
from tocsin.store.tables import StoredOverride


@dataclass(frozen=True, slots=True)
class AgendaRow:
    """A shift, or a gap (then without a name). Times by the schedule's clock; `elsewhere` by the
    viewer's, if that shows others. `take` leads to the form with this time in it."""

    day: str
    begin: str
    end: str
    length: str
    name: str
    why: str
    elsewhere: str
    is_now: bool
    is_own: bool = False
    take: str = ""


def clocks_differ(period: Period, timezone: str) -> bool:
    """Whether a viewer's clock shows another time than the schedule's at any time of the period."""
    viewer = ZoneInfo(timezone)
    moments = (moment for day in period.days for moment in day.span)
    return any(
        at.astimezone(viewer).utcoffset() != at.astimezone(period.zone).utcoffset()
        for at in moments
    )


def lanes(
    seen: ShownSchedule,
    period: Period,
    now: datetime,
    other_zone: str | None,
    tried: TriedChange | None,
) -> list[ScheduleLane]:
    """A lane for each layer, then what was changed by hand, then who is on call."""
    words = _BarWords(seen, period.zone, None if other_zone is None else ZoneInfo(other_zone))
    made = [
        ScheduleLane(
            layer.document["name"],
            layer_words(layer.document),
            placed((_bar(each, words) for each in layer.shifts), period),
        )
        for layer in seen.layers
    ]
    by_hand = [words.override_bar(each) for each in seen.overrides]
    new = [_tried_bar(tried, words)] if tried is not None else []
    count = sum(each.ends_at > now for each in seen.overrides)
    caption = f"{count} not over" if count else "none"
    made.append(ScheduleLane("Overrides", caption, placed([*by_hand, *new], period)))
    result = [_bar(each, words) for each in seen.shifts if is_somebodys(each)]
    nobody = "nobody is on call"
    if seen.row.fallback_user_id or seen.row.fallback_destination_id:
        nobody += ", but for the fallback"
    gaps = gap_bars(seen.gaps, nobody)
    made.append(
        ScheduleLane("On call", "the result", placed([*result, *gaps], period), is_result=True)
    )
    return made


@dataclass(frozen=True, slots=True)
class _BarWords:
    seen: ShownSchedule
    zone: tzinfo
    viewer: tzinfo | None

    def of(self, name: str, span: Span, why: str) -> str:
        elsewhere = f" ({said(span, self.viewer)} for you)" if self.viewer is not None else ""
        return f"{name}: {said(span, self.zone)}{elsewhere}, {spelled_hours(span.length)}; {why}"

    def why(self, shift: ShiftOut) -> str:
        cause = shift.cause
        if cause.kind is CauseKind.LAYER:
            return f"{cause.layer}, turn {cause.turn}"
        if cause.kind is CauseKind.FALLBACK:
            return "fallback: nobody is on call"
        instead = self.seen.name(cause.instead_of_user_id)
        return f"{cause.kind.value}{f', instead of {instead}' if instead else ''}"

    def override_bar(self, row: StoredOverride) -> LaneBar:
        comes = self.seen.name(row.substitute_user_id)
        span = Span(row.starts_at, row.ends_at)
        return LaneBar(
            row.starts_at,
            row.ends_at,
            comes or f"not {self.seen.name(row.user_id)}",
            hue(comes) if comes else "nobody",
            self.of(comes or "Nobody", span, override_words(row, self.seen)),
        )


def override_words(row: StoredOverride, seen: ShownSchedule) -> str:
    """`instead of Ana`, `besides who is on call`, …; of one layer, with its name."""
    words = _kind_words(row, seen)
    if row.layer_id is None:
        return words
    names = {each.document["id"]: each.document["name"] for each in seen.layers}
    return f"{words}, only in layer {names.get(str(row.layer_id), 'since removed')}"


def _kind_words(row: StoredOverride, seen: ShownSchedule) -> str:
    leaves = seen.name(row.user_id)
    match OverrideKind(row.kind):
        case OverrideKind.REPLACE:
            return f"{'swap with' if row.shift_swap_id else 'instead of'} {leaves}"
        case OverrideKind.REMOVE:
            return f"{leaves} is not on call"
        case OverrideKind.ADD:
            return "besides who is on call"
        case OverrideKind.COVER:
            return "instead of everybody"


@dataclass(frozen=True, slots=True)
class ByHand:
    row: StoredOverride
    words: str


def by_hand(seen: ShownSchedule) -> list[ByHand]:
    """The soonest first."""
    rows = sorted(seen.overrides, key=lambda row: row.starts_at)
    return [ByHand(row, override_words(row, seen)) for row in rows]


def _bar(shift: ShiftOut, words: _BarWords) -> LaneBar:
    span = Span(shift.starts_at, shift.ends_at)
    return LaneBar(
        shift.starts_at,
        shift.ends_at,
        shift.name,
        hue(shift.name),
        words.of(shift.name, span, words.why(shift)),
        user_id=str(shift.user_id or ""),
    )


def _tried_bar(tried: TriedChange, words: _BarWords) -> LaneBar:
    name = "not saved"
    return LaneBar(
        *tried.span, name, "new", words.of("New", tried.span, "not saved yet"), is_new=True
    )


_UNITS = {"hours": "hour", "daily": "day", "weekly": "week", "monthly": "month"}


def layer_words(document: Mapping[str, Any]) -> str:
    """`every week, Mon 09:00`, and its hours if it has any."""
    rotation = document["rotation"]
    unit, length = _UNITS[rotation["unit"]], rotation["length"]
    every = f"every {unit}" if length == 1 else f"every {length} {unit}s"
    day = rotation.get("handoff_day")
    at = f"{_day_words(day)} {rotation['handoff_time']}".strip()
    hours = write_hours(document.get("restrictions") or ()).replace("\n", "; ")
    return f"{every}, {at}{f'; {hours}' if hours else ''}"


def _day_words(day: str | int | None) -> str:
    if day is None:
        return ""
    return day.capitalize() if isinstance(day, str) else f"day {day},"


def agenda(
    seen: ShownSchedule, period: Period, now: datetime, user_id: UUID, other_zone: str | None
) -> list[AgendaRow]:
    """Shifts and gaps of the period in order; where it has begun, from now on."""
    words = _BarWords(seen, period.zone, None if other_zone is None else ZoneInfo(other_zone))
    begin, end = period.span
    since = now if begin <= now < end else begin
    rows: list[tuple[datetime, AgendaRow]] = []
    for shift in seen.shifts:
        if shift.ends_at > since and is_somebodys(shift):
            span = Span(shift.starts_at, shift.ends_at)
            row = _row(words, period, span, now, shift.name, words.why(shift))
            is_own = shift.user_id == user_id
            given = {"user_id": str(shift.user_id)}
            if is_own and span.starts_at > now:
                given["substitute_user_id"] = "give"
            take = _take(period, span, now, given)
            rows.append((span.starts_at, replace(row, take=take, is_own=is_own)))
    fallback = seen.name(seen.row.fallback_user_id or seen.row.fallback_destination_id)
    why = f"falls back to {fallback}" if fallback else "nobody is notified"
    for gap in seen.gaps:
        if gap.ends_at > since:
            row = _row(words, period, gap, now, "", why)
            rows.append((gap.starts_at, replace(row, take=_take(period, gap, now, {}))))
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def _row(
    words: _BarWords, period: Period, span: Span, now: datetime, name: str, why: str
) -> AgendaRow:
    """Of a shift that lasts, what is left of it."""
    is_now = span.starts_at <= now < span.ends_at
    left = Span(max(span.starts_at, now), span.ends_at)
    begin = left.starts_at.astimezone(period.zone)
    elsewhere = ""
    if words.viewer is not None:
        theirs = left.starts_at.astimezone(words.viewer)
        day = "" if theirs.date() == begin.date() else f"{theirs:%a} "
        elsewhere = f"{day}{theirs:%H:%M} – {_end(left, words.viewer)}"
    return AgendaRow(
        day=_day(begin),
        begin="now" if is_now else f"{begin:%H:%M}",
        end=_end(left, period.zone),
        length=spelled_hours(left.length),
        name=name,
        why=why,
        elsewhere=elsewhere,
        is_now=is_now,
    )


def span_words(begin: datetime, end: datetime, timezone: str) -> str:
    """`Fri 27 Nov 12:00 – 20:00`."""
    zone = ZoneInfo(timezone)
    local = begin.astimezone(zone)
    return f"{_day(local)} {local:%H:%M} – {_end(Span(begin, end), zone)}"


def _end(span: Span, zone: tzinfo) -> str:
    """With its day, unless that is the one on which it begins; within a week the weekday will do."""
    begin, end = (at.astimezone(zone) for at in span)
    days = (end.date() - begin.date()).days
    day = "" if not days else f"{end:%a} " if days < 7 else f"{_day(end)} "
    return f"{day}{end:%H:%M}"


def _day(local: datetime) -> str:
    return f"{local:%a} {local.day} {local:%b}"


def _take(period: Period, span: Span, now: datetime, given: Mapping[str, str]) -> str:
    zone = str(period.zone)
    values = {
        "starts_at": local_input(max(span.starts_at, now), zone),
        "ends_at": local_input(span.ends_at, zone),
        **given,
    }
    return f"{period.address(**values)}#take-over"
