"""Who carries how much of a time."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from tests.oncall.builders import ANN, BEN, layer, rotation, utc
from tocsin.oncall.local_days import local_days
from tocsin.oncall.resolve import resolve
from tocsin.oncall.schedule import Fallback, Layer, OnCallSchedule, ScheduleVersion
from tocsin.oncall.spans import Span
from tocsin.oncall.workload import Workload, workloads

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = local_days(date(2026, 3, 23), 7, BERLIN)
SPAN = Span(WEEK[0].span.starts_at, WEEK[-1].span.ends_at)


def of_week(*layers: Layer, fallback: Fallback | None = None) -> list[Workload]:
    version = ScheduleVersion(utc("2026-01-01"), "Europe/Berlin", layers, fallback)
    # More than the week, as a page has it that shows whole shifts.
    shifts = resolve(
        OnCallSchedule(ANN, (version,)), SPAN.starts_at - timedelta(9), SPAN.ends_at + timedelta(9)
    )
    return workloads(shifts, WEEK, BERLIN)


def test_a_week_alone_has_an_hour_less_when_clocks_go_forward() -> None:
    assert of_week(layer(rotation("weekly", "2026-03-23", "00:00"), ANN)) == [
        Workload(ANN, timedelta(hours=167), 7, timedelta(hours=47))
    ]


def test_days_are_shared_and_a_night_counts_for_whoever_has_a_part_of_it() -> None:
    found = of_week(layer(rotation("daily", "2026-03-23", "00:00"), ANN, BEN))
    assert [(each.user, each.length / timedelta(hours=1)) for each in found] == [
        (ANN, 95),
        (BEN, 72),
    ]
    assert [each.nights for each in found] == [7, 7], "each is handed over at midnight"
    assert sum((each.weekend for each in found), timedelta()) == timedelta(hours=47)


def test_two_layers_of_one_person_count_once_and_a_fallback_is_nobodys() -> None:
    weekly = layer(rotation("weekly", "2026-03-23", "00:00"), (ANN, BEN))
    assert [each.length for each in of_week(weekly, weekly)] == [timedelta(hours=167)] * 2
    assert of_week(fallback=Fallback(user=ANN)) == []
