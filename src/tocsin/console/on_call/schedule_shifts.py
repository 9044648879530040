"""The shifts that the page of a schedule shows or speaks of: resolved once for all of it, and no farther
than their ends are. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.oncall.resolve import Shift, gaps, part_of, resolve
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.oncall.spans import Span
from tocsin.oncall.validation import is_too_much

_AHEAD = timedelta(days=60)
_NEAR, _FAR = timedelta(days=8), timedelta(days=31)
"""So far on either side of a period a shift is followed that begins before it or ends after it; farther
only where that shows no end. A layer's turns are followed no farther: their ends are only said to who
rests on a bar."""


@dataclass(frozen=True, slots=True)
class ShiftsToShow:
    """`shifts` are those of the period, whole; so are its `gaps`, but for one that has no end in sight.
    `followed` are all shifts of the period and around it. `lasting` is whoever is on call now, until
    each shift ends; None where an end is not in sight. `coming` begin later, `gaps_ahead` are those of
    the next 60 days."""

    shifts: Sequence[Shift]
    gaps: Sequence[Span]
    followed: Sequence[Shift]
    lasting: Sequence[Shift] | None
    coming: Sequence[Shift]
    gaps_ahead: Sequence[Span]


def looked_at(period: Span, now: datetime) -> Span:
    """What has to be known of a schedule for it."""
    return _union(_wider(period, _FAR), _ahead(now))


def shifts_to_show(schedule: OnCallSchedule, period: Span, now: datetime) -> ShiftsToShow:
    ahead = _ahead(now)
    near, far = (_bounded(schedule, period, margin) for margin in (_NEAR, _FAR))
    found = _resolved(schedule, near, ahead)
    if far != near and _is_cut(schedule, found, period):
        found = _resolved(schedule, far, ahead)
    lasting = [each for each in found.coming if each.starts_at == now]
    return ShiftsToShow(
        [
            each
            for each in found.shifts
            if each.ends_at > period.starts_at and each.starts_at < period.ends_at
        ],
        _within(gaps(schedule, found.shifts, found.around), period, found.around),
        found.shifts,
        None if any(each.ends_at == ahead.ends_at for each in lasting) else lasting,
        [each for each in found.coming if each.starts_at > now],
        gaps(schedule, found.coming, ahead),
    )


def turns_to_show(schedule: OnCallSchedule, layer_id: UUID, period: Span) -> list[Shift]:
    """The turns of one layer, be they overridden or not."""
    return resolve(_only(schedule, layer_id), *_bounded(schedule, period, _NEAR))


@dataclass(frozen=True, slots=True)
class _Resolved:
    around: Span
    shifts: Sequence[Shift]
    """Of the time around the period."""
    coming: Sequence[Shift]
    """From now on."""


def _resolved(schedule: OnCallSchedule, around: Span, ahead: Span) -> _Resolved:
    """Both times at once, where they meet."""
    whole = _union(around, ahead)
    do_meet = around.starts_at <= ahead.ends_at and ahead.starts_at <= around.ends_at
    if not do_meet or is_too_much(schedule, whole):
        return _Resolved(around, resolve(schedule, *around), resolve(schedule, *ahead))
    together = resolve(schedule, *whole)
    return _Resolved(around, part_of(together, around), part_of(together, ahead))


def _is_cut(schedule: OnCallSchedule, found: _Resolved, period: Span) -> bool:
    """Whether something of the period begins before, or ends after, what was looked at."""
    begin, end = found.around
    spans = [Span(each.starts_at, each.ends_at) for each in found.shifts]
    spans += gaps(schedule, found.shifts, found.around)
    return any(
        (each.starts_at == begin and each.ends_at > period.starts_at)
        or (each.ends_at == end and each.starts_at < period.ends_at)
        for each in spans
    )


def _ahead(now: datetime) -> Span:
    return Span(now, now + _AHEAD)


def _union(one: Span, other: Span) -> Span:
    """With what lies between."""
    return Span(min(one.starts_at, other.starts_at), max(one.ends_at, other.ends_at))


def _wider(span: Span, margin: timedelta) -> Span:
    return Span(span.starts_at - margin, span.ends_at + margin)


def _bounded(schedule: OnCallSchedule, period: Span, margin: timedelta) -> Span:
    """Wider by the margin, unless that is too much."""
    wider = _wider(period, margin)
    return period if is_too_much(schedule, wider) else wider


def _within(found: Sequence[Span], span: Span, around: Span) -> list[Span]:
    """Those that fall into it, whole; of one that has no end in sight only what is in it."""
    return [
        Span(
            span.starts_at if gap.starts_at <= around.starts_at else gap.starts_at,
            span.ends_at if gap.ends_at >= around.ends_at else gap.ends_at,
        )
        for gap in found
        if gap.ends_at > span.starts_at and gap.starts_at < span.ends_at
    ]


def _only(schedule: OnCallSchedule, layer_id: UUID) -> OnCallSchedule:
    """The schedule as if there were nothing but this layer, and nothing had been changed by hand."""
    versions = tuple(
        replace(
            version,
            layers=tuple(layer for layer in version.layers if layer.id == layer_id),
            fallback=None,
        )
        for version in schedule.versions
    )
    return OnCallSchedule(schedule.id, versions)
