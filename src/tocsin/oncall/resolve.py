"""Who is on call, when, and why: the one function that answers it for everybody who asks.

Each layer's turns, less the time without duty; its own overrides; of several layers the last that has
somebody wins; then the overrides of the whole schedule, in the order in which they were made; where
nobody is left, the fallback. All intervals are half-open. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.oncall.restrictions import duty
from tocsin.oncall.rotation import turns_of
from tocsin.oncall.schedule import (
    Fallback,
    Layer,
    OnCallSchedule,
    Override,
    OverrideKind,
    ScheduleVersion,
)
from tocsin.oncall.spans import Span, left_of, merged

_INSTANT = timedelta(microseconds=1)


class CauseKind(StrEnum):
    LAYER = "layer"
    OVERRIDE = "override"
    SWAP = "swap"
    FALLBACK = "fallback"


class ShiftCause(NamedTuple):
    """Why somebody is on call: the turn of a layer, or what was changed by hand, then with who would
    have been (`instead_of`) where that is one person."""

    kind: CauseKind
    layer: UUID | None = None
    layer_version: int | None = None
    turn: int | None = None
    override: UUID | None = None
    swap: UUID | None = None
    instead_of: UUID | None = None


class Shift(NamedTuple):
    """One user (or the fallback's destination) from `starts_at` until just before `ends_at`. Several
    at the same time are on call together."""

    starts_at: datetime
    ends_at: datetime
    user: UUID | None
    destination: UUID | None
    cause: ShiftCause


FALLBACK = ShiftCause(CauseKind.FALLBACK)


def resolve(schedule: OnCallSchedule, starts_at: datetime, ends_at: datetime) -> list[Shift]:
    """The shifts of this time, in order, cut at its ends. There are none before the first version."""
    parts: list[tuple[ScheduleVersion, Span]] = [*_in_force(schedule, starts_at, ends_at)]
    overrides = [
        each for each in schedule.overrides if each.starts_at < ends_at and each.ends_at > starts_at
    ]
    shifts: list[Shift] = []
    for version, span in parts:
        shifts = _joined(shifts, _of_version(version, overrides, span), version, span.starts_at)
    if parts:
        whole = Span(parts[0][1].starts_at, parts[-1][1].ends_at)
        for override in overrides:
            if override.layer is None:
                shifts = _overridden(shifts, override, whole)
    for version, span in parts:
        if version.fallback is not None:
            shifts.extend(_fallen_back(version.fallback, shifts, span))
    shifts.sort(key=_order)
    return shifts


def part_of(shifts: Iterable[Shift], span: Span) -> list[Shift]:
    """What `resolve` finds in this part of a time, by the shifts of the whole; one that goes on from one
    version to the next is of the turn in which it began."""
    part = [
        each._replace(
            starts_at=max(each.starts_at, span.starts_at), ends_at=min(each.ends_at, span.ends_at)
        )
        for each in shifts
        if each.starts_at < span.ends_at and each.ends_at > span.starts_at
    ]
    part.sort(key=_order)
    return part


def on_call(schedule: OnCallSchedule, at: datetime) -> list[Shift]:
    """Who is on call at this instant; the shifts are cut to it."""
    return resolve(schedule, at, at + _INSTANT)


def gaps(schedule: OnCallSchedule, shifts: Iterable[Shift], span: Span) -> list[Span]:
    """When nobody is on call, be there a fallback or not. Not before the first version."""
    if not schedule.versions:
        return []
    begin = max(span.starts_at, schedule.versions[0].effective_from)
    return _uncovered(shifts, Span(begin, span.ends_at))


def _in_force(
    schedule: OnCallSchedule, starts_at: datetime, ends_at: datetime
) -> Iterator[tuple[ScheduleVersion, Span]]:
    versions = schedule.versions
    for number, version in enumerate(versions):
        until = versions[number + 1].effective_from if number + 1 < len(versions) else ends_at
        span = Span(max(starts_at, version.effective_from), min(ends_at, until))
        if span.starts_at < span.ends_at:
            yield version, span


def _of_version(version: ScheduleVersion, overrides: Sequence[Override], span: Span) -> list[Shift]:
    """The layers laid on each other."""
    shifts: list[Shift] = []
    for layer in reversed(version.layers):
        own = _of_layer(layer, version.timezone, span)
        for override in overrides:
            if override.layer == layer.id:
                own = _overridden(own, override, span)
        if shifts:
            own = _without(own, merged([Span(each.starts_at, each.ends_at) for each in shifts]))
        shifts = sorted([*shifts, *own], key=_order) if shifts else own
    return shifts


def _of_layer(layer: Layer, timezone: str, span: Span) -> list[Shift]:
    turns = turns_of(layer, timezone)
    begin = max(span.starts_at, turns.begins_at)
    if begin >= span.ends_at or not layer.participants:
        return []
    windows = [span]
    if layer.restrictions:
        windows = duty(layer.restrictions, ZoneInfo(timezone), begin, span.ends_at)
    found: list[Shift] = []
    place = 0
    for turn in turns.between(begin, span.ends_at):
        entry = layer.entry(turn.number)
        turn_begin, turn_end = max(turn.starts_at, begin), min(turn.ends_at, span.ends_at)
        while place < len(windows) and windows[place].ends_at <= turn_begin:
            place += 1
        if not entry:
            continue
        cause = ShiftCause(CauseKind.LAYER, layer.id, layer.version, turn.number)
        for window in windows[place:]:
            if window.starts_at >= turn_end:
                break
            starts_at, ends_at = max(turn_begin, window.starts_at), min(turn_end, window.ends_at)
            found.extend(Shift(starts_at, ends_at, user, None, cause) for user in entry)
    return found


def _joined(
    earlier: list[Shift], later: list[Shift], version: ScheduleVersion, edge: datetime
) -> list[Shift]:
    """The shifts of two versions that meet at `edge`. Who stays on call in a turn that goes on has one
    shift, not two."""
    if not earlier or not later:
        return earlier or later
    lasting = {
        (each.user, each.cause.kind, each.cause.layer, each.cause.override): number
        for number, each in enumerate(earlier)
        if each.ends_at == edge
    }
    joined = earlier
    begun = _begun_at(version, edge)
    for each in later:
        key = (each.user, each.cause.kind, each.cause.layer, each.cause.override)
        number = lasting.get(key) if each.starts_at == edge else None
        hands_over = each.cause.kind is CauseKind.LAYER and each.cause.layer in begun
        if number is None or hands_over:
            joined.append(each)
        else:
            joined[number] = joined[number]._replace(ends_at=each.ends_at)
    return joined


def _begun_at(version: ScheduleVersion, edge: datetime) -> set[UUID]:
    """The layers that hand over just then."""
    return {
        layer.id
        for layer in version.layers
        if turns_of(layer, version.timezone).at(edge).starts_at == edge
    }


def _overridden(shifts: list[Shift], override: Override, whole: Span) -> list[Shift]:
    """What an override makes of the shifts of its layer, or of all."""
    starts_at = max(override.starts_at, whole.starts_at)
    ends_at = min(override.ends_at, whole.ends_at)
    if starts_at >= ends_at:
        return shifts
    span = Span(starts_at, ends_at)
    longest = max((each.ends_at - each.starts_at for each in shifts), default=timedelta())
    first = bisect_left(shifts, starts_at - longest, key=_start)
    last = bisect_left(shifts, ends_at, key=_start)
    changed = sorted(_changed(shifts[first:last], override, span), key=_order)
    return [*shifts[:first], *changed, *shifts[last:]]


def _changed(shifts: list[Shift], override: Override, span: Span) -> list[Shift]:
    match override.kind:
        case OverrideKind.ADD:
            return [*shifts, *_coming(override, shifts, [span])]
        case OverrideKind.COVER:
            return [*_without(shifts, [span]), *_coming(override, [], [span])]
    leaving = [each for each in shifts if each.user == override.user]
    staying = [each for each in shifts if each.user != override.user]
    left = _without(leaving, [span])
    if override.kind is OverrideKind.REMOVE:
        return [*staying, *left]
    free = [
        Span(max(each.starts_at, span.starts_at), min(each.ends_at, span.ends_at))
        for each in leaving
        if each.starts_at < span.ends_at and each.ends_at > span.starts_at
    ]
    return [*staying, *left, *_coming(override, staying, free)]


def _coming(override: Override, shifts: list[Shift], spans: list[Span]) -> list[Shift]:
    """The shifts of the substitute, where that person is not on call already."""
    is_swap = override.swap is not None
    cause = ShiftCause(
        CauseKind.SWAP if is_swap else CauseKind.OVERRIDE,
        layer=override.layer,
        override=override.id,
        swap=override.swap,
        instead_of=override.user,
    )
    coming = [
        Shift(span.starts_at, span.ends_at, override.substitute, None, cause) for span in spans
    ]
    own = [
        Span(each.starts_at, each.ends_at) for each in shifts if each.user == override.substitute
    ]
    return _without(coming, merged(own))


def _without(shifts: Iterable[Shift], taken: Sequence[Span]) -> list[Shift]:
    """What of the shifts (in order) is left outside the spans (in order, apart from each other)."""
    left: list[Shift] = []
    first = 0
    for shift in shifts:
        while first < len(taken) and taken[first].ends_at <= shift.starts_at:
            first += 1
        begin = shift.starts_at
        for number in range(first, len(taken)):
            span = taken[number]
            if span.starts_at >= shift.ends_at:
                break
            if span.starts_at > begin:
                left.append(shift._replace(starts_at=begin, ends_at=span.starts_at))
            begin = span.ends_at
        if begin == shift.starts_at:
            left.append(shift)
        elif begin < shift.ends_at:
            left.append(shift._replace(starts_at=begin))
    return left


def _fallen_back(fallback: Fallback, shifts: Iterable[Shift], span: Span) -> list[Shift]:
    return [
        Shift(gap.starts_at, gap.ends_at, fallback.user, fallback.destination, FALLBACK)
        for gap in _uncovered(shifts, span)
    ]


def _uncovered(shifts: Iterable[Shift], span: Span) -> list[Span]:
    covered = [
        Span(each.starts_at, each.ends_at)
        for each in shifts
        if each.cause.kind is not CauseKind.FALLBACK
    ]
    return left_of([span], merged(covered))


def _start(shift: Shift) -> datetime:
    return shift.starts_at


def _order(shift: Shift) -> tuple[datetime, bytes]:
    who = shift.user or shift.destination
    return (shift.starts_at, b"" if who is None else who.bytes)
