"""What a user may write into a schedule: every fault at once, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tocsin.model import Fault
from tocsin.oncall.schedule import Layer, OnCallSchedule, RotationUnit, ShiftRotation
from tocsin.oncall.spans import Span
from tocsin.oncall.wall_clock import is_left_out, local_time

LAYERS_LIMIT = 10
PARTICIPANTS_LIMIT = 100
TOGETHER_LIMIT = 20
RESTRICTIONS_LIMIT = 20
OVERRIDES_LIMIT = 500
"""Of one schedule, those that are not over."""

LONGEST = {
    RotationUnit.HOURS: 24 * 366,
    RotationUnit.DAILY: 366,
    RotationUnit.WEEKLY: 52,
    RotationUnit.MONTHLY: 12,
}

LONGEST_SPAN = timedelta(days=400)
"""Of shifts that are asked for, and of an override."""

MOST_TURNS = 20_000
"""In what is asked for: of a schedule that turns every hour, less than the longest span."""

_UNITS = {
    RotationUnit.HOURS: timedelta(hours=1),
    RotationUnit.DAILY: timedelta(days=1),
    RotationUnit.WEEKLY: timedelta(days=7),
    RotationUnit.MONTHLY: timedelta(days=28),
}


def layer_faults(layers: Sequence[Layer]) -> list[Fault]:
    faults = []
    for number, layer in enumerate(layers):
        place = f"/layers/{number}"
        faults += _rotation_faults(layer.rotation, f"{place}/rotation")
        for turn, entry in enumerate(layer.participants):
            if len(set(entry)) != len(entry):
                words = "names somebody twice in one turn"
                faults.append(Fault(f"{place}/participants/{turn}", "twice", words))
        if any(layer.name == other.name for other in layers[:number]):
            words = "another layer has this name"
            faults.append(Fault(f"{place}/name", "name-taken", words))
    return faults


def _rotation_faults(rotation: ShiftRotation, place: str) -> list[Fault]:
    longest = LONGEST[rotation.unit]
    if rotation.length > longest:
        words = f"must be at most {longest} where the unit is {rotation.unit}"
        return [Fault(f"{place}/length", "too-long", words)]
    return []


def handoff_day_fault(unit: RotationUnit, day: str | int | None, place: str) -> Fault | None:
    """`day` as it was written: a weekday for `weekly`, a day of the month for `monthly`."""
    if day is None:
        return None
    if unit is RotationUnit.WEEKLY and not isinstance(day, str):
        words = "must be a weekday, such as mon, where the unit is weekly"
    elif unit is RotationUnit.MONTHLY and not isinstance(day, int):
        words = "must be a day of the month, 1 to 31, where the unit is monthly"
    elif unit in (RotationUnit.HOURS, RotationUnit.DAILY):
        words = f"is not taken where the unit is {unit}"
    else:
        return None
    return Fault(f"{place}/handoff_day", "not-taken", words)


def span_faults(span: Span, place: str = "") -> list[Fault]:
    """Of a time from `starts_at` to `ends_at` that a person names."""
    if span.ends_at <= span.starts_at:
        return [Fault(f"{place}/ends_at", "before-start", "must be later than starts_at")]
    if span.length > LONGEST_SPAN:
        words = f"must be at most {LONGEST_SPAN.days} days later than starts_at"
        return [Fault(f"{place}/ends_at", "too-long", words)]
    return []


def is_too_much(schedule: OnCallSchedule, span: Span) -> bool:
    """Whether the shifts of this time are more than one answer has."""
    return (
        max(
            (
                sum(
                    span.length // (_UNITS[layer.rotation.unit] * layer.rotation.length)
                    for layer in version.layers
                )
                for version in schedule.versions
            ),
            default=0,
        )
        > MOST_TURNS
    )


def left_out_words(local: datetime, timezone: str) -> str | None:
    """What is wrong with a local time that the clock never shows: the two nearest that it does."""
    zone = ZoneInfo(timezone)
    if not is_left_out(local, zone):
        return None
    at = local.replace(tzinfo=zone)
    later = local_time(at.astimezone(UTC), zone)
    earlier = local_time(at.replace(fold=1).astimezone(UTC), zone)
    return (
        f"the clock never shows {local:%H:%M} on that day in {timezone}; "
        f"take {earlier:%H:%M} or {later:%H:%M}"
    )
