"""Days by the clock of a zone, and where clocks are moved."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.oncall.local_days import LocalDay, local_days


def only(first: date, zone: str) -> LocalDay:
    (day,) = local_days(first, 1, ZoneInfo(zone))
    return day


@pytest.mark.parametrize(
    ("zone", "day", "hours", "before", "after"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23, "02:00", "03:00"),
        ("Europe/Berlin", date(2026, 10, 25), 25, "03:00", "02:00"),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5, "02:00", "01:30"),
        # At midnight: the day begins at one.
        ("America/Asuncion", date(2024, 10, 6), 23, "00:00", "01:00"),
        ("America/Havana", date(2026, 11, 1), 25, "01:00", "00:00"),
    ],
)
def test_a_day_on_which_clocks_are_moved(
    zone: str, day: date, hours: float, before: str, after: str
) -> None:
    found = only(day, zone)
    assert found.span.length == timedelta(hours=hours)
    assert found.change is not None
    assert f"{found.change.before:%H:%M}" == before
    assert f"{found.change.after:%H:%M}" == after
    assert found.change.is_forward == (hours < 24)


def test_a_usual_day_and_the_weekend() -> None:
    days = local_days(date(2026, 3, 27), 3, ZoneInfo("Europe/Berlin"))
    assert [each.is_weekend for each in days] == [False, True, True]
    assert days[0].change is None
    assert days[0].span.starts_at == datetime(2026, 3, 26, 23, tzinfo=UTC)
    assert days[0].span.ends_at == days[1].span.starts_at


@given(
    first=st.dates(date(1980, 1, 1), date(2099, 1, 1)),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Africa/Casablanca"]
    ),
)
def test_clocks_are_moved_exactly_where_it_says(first: date, zone: str) -> None:
    local = ZoneInfo(zone)
    for day in local_days(first, 5, local):
        if day.change is None:
            continue
        at = day.change.at
        just_before = (at - timedelta(microseconds=1)).astimezone(local)
        assert just_before.utcoffset() != at.astimezone(local).utcoffset()
        assert day.span.starts_at <= at < day.span.ends_at
        moved = day.change.after - day.change.before
        assert moved == timedelta(hours=24) - day.span.length
