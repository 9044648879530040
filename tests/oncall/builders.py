"""Schedules in few words, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from tocsin.oncall.resolve import Shift
from tocsin.oncall.schedule import (
    DAYS,
    Layer,
    OnCallSchedule,
    Override,
    OverrideKind,
    Restriction,
    RotationUnit,
    ScheduleVersion,
    ShiftRotation,
)

ANN, BEN, CAT, DAN, EVE = (UUID(int=number) for number in range(1, 6))
NAMES = {ANN: "Ann", BEN: "Ben", CAT: "Cat", DAN: "Dan", EVE: "Eve"}
LAYER, OTHER_LAYER = UUID(int=101), UUID(int=102)
WEEKDAYS = frozenset(range(5))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rotation(
    unit: str, starts_on: str, handoff: str = "09:00", *, length: int = 1, day: int | None = None
) -> ShiftRotation:
    return ShiftRotation(
        RotationUnit(unit),
        length,
        time.fromisoformat(handoff),
        date.fromisoformat(starts_on),
        day,
    )


def layer(
    turning: ShiftRotation, *participants: UUID | tuple[UUID, ...], id: UUID = LAYER, **more: Any
) -> Layer:
    entries = tuple(each if isinstance(each, tuple) else (each,) for each in participants)
    return Layer(id, "Primary", turning, entries, **more)


def window(days: str, start: str, end: str, end_day: str | None = None) -> Restriction:
    return Restriction(
        frozenset(DAYS.index(day) for day in days.split()),
        time.fromisoformat(start),
        time.fromisoformat(end),
        None if end_day is None else DAYS.index(end_day),
    )


def schedule(
    zone: str,
    *layers: Layer,
    since: str = "2020-01-01",
    overrides: Sequence[Override] = (),
    **more: Any,
) -> OnCallSchedule:
    version = ScheduleVersion(utc(since), zone, layers, **more)
    return OnCallSchedule(UUID(int=100), (version,), tuple(overrides))


def override(
    kind: str,
    starts_at: str,
    ends_at: str,
    *,
    user: UUID | None = None,
    by: UUID | None = None,
    number: int = 1,
    layer: UUID | None = None,
    swap: UUID | None = None,
) -> Override:
    return Override(
        UUID(int=200 + number),
        OverrideKind(kind),
        utc(starts_at),
        utc(ends_at),
        user,
        by,
        layer,
        swap,
    )


def lines(shifts: Sequence[Shift]) -> list[str]:
    """`Ann 2026-03-28T08:00Z 2026-03-29T07:00Z`, shift by shift."""
    return [
        f"{NAMES[each.user] if each.user else each.destination} "
        f"{_short(each.starts_at)} {_short(each.ends_at)}"
        for each in shifts
    ]


def _short(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%MZ}"
