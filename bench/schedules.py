"""What it costs to say who is on call: a year of five layers, and a thousand schedules now. CPU time."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from bench import options
from bench.machine import describe
from bench.report import Figure, Report
from tocsin.oncall.resolve import on_call, resolve
from tocsin.oncall.schedule import (
    Fallback,
    Layer,
    OnCallSchedule,
    Override,
    OverrideKind,
    Restriction,
    RotationUnit,
    ScheduleVersion,
    ShiftRotation,
)

SCHEDULES = 1_000
YEAR_TARGET, NOW_TARGET = 50.0, 100.0
"""Milliseconds."""
NOW = datetime(2026, 6, 3, 12, tzinfo=UTC)
WEEKDAYS, WEEKEND = frozenset(range(5)), frozenset({5, 6})
USERS = tuple(UUID(int=number) for number in range(1, 9))


@dataclass(kw_only=True)
class Options(options.Options):
    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs."""
        return cls(rounds=1)


def run(options: Options) -> Report:
    report = Report("Schedules", "python -m bench schedules", describe())
    schedule = five_layers(0)
    year = [
        _milliseconds(lambda: resolve(schedule, NOW, NOW + timedelta(days=365)))
        for _ in range(options.rounds)
    ]
    thousand = [five_layers(number) for number in range(SCHEDULES)]
    now = [
        _milliseconds(lambda: [on_call(each, NOW) for each in thousand])
        for _ in range(options.rounds)
    ]
    report.add(
        Figure(
            "a year of five layers, 60 overrides",
            "ms",
            year,
            f"{YEAR_TARGET:.0f}",
            max(year) <= YEAR_TARGET,
        )
    )
    report.add(
        Figure(
            f"on call now, {SCHEDULES:,} of them",
            "ms",
            now,
            f"{NOW_TARGET:.0f}",
            max(now) <= NOW_TARGET,
        )
    )
    return report


def _milliseconds(work: Callable[[], object]) -> float:
    begun = clock.process_time()
    work()
    return (clock.process_time() - begun) * 1_000


def five_layers(number: int) -> OnCallSchedule:
    """Weeks, days, half days, months, and nights at weekends; an override every six days."""
    zone = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney")[number % 4]
    shapes = (
        (RotationUnit.MONTHLY, 1, None, ()),
        (RotationUnit.WEEKLY, 1, 0, ()),
        (RotationUnit.DAILY, 1, None, (Restriction(WEEKDAYS, time(9), time(17)),)),
        (RotationUnit.HOURS, 12, None, (Restriction(WEEKEND, time(8), time(20)),)),
        (RotationUnit.DAILY, 2, None, (Restriction(WEEKEND, time(22), time(6)),)),
    )
    layers = tuple(
        Layer(
            UUID(int=1_000 + place),
            f"layer {place}",
            ShiftRotation(unit, length, time(9, number % 60), date(2025, 1, 6), day),
            tuple((user,) for user in USERS[place : place + 3]),
            restrictions,
        )
        for place, (unit, length, day, restrictions) in enumerate(shapes)
    )
    overrides = tuple(
        Override(
            UUID(int=5_000 + each),
            OverrideKind.COVER,
            NOW + timedelta(days=6 * each),
            NOW + timedelta(days=6 * each, hours=10),
            substitute=USERS[each % 8],
        )
        for each in range(1, 61)
    )
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    version = ScheduleVersion(begin, zone, layers, Fallback(user=USERS[0]))
    return OnCallSchedule(UUID(int=number + 1), (version,), overrides)
