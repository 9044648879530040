from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.ingest.sources.kit.times import parse_time

BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 3, 1, 9, 5, 6, tzinfo=UTC)


def parsed(value: Any, zone: tzinfo = UTC) -> datetime | None:
    at, doubtful = parse_time(value, zone)
    assert not doubtful, value
    return at


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T09:05:06Z",
        "2026-03-01T09:05:06.000000000Z",
        "2026-03-01t09:05:06z",
        "2026-03-01 09:05:06Z",
        "2026-03-01T10:05:06+01:00",
        "2026-03-01T10:05:06.0+0100",
        "2026-03-01T04:05:06-05",
        "2026-03-01 09:05:06 UTC",
        "2026-03-01 09:05:06 GMT",
        "2026-03-01 09:05:06 +0000 UTC",
        "2026-03-01 10:05:06 +0100",
        " 2026-03-01T09:05:06Z ",
        "Sun, 01 Mar 2026 09:05:06 GMT",
        "1772355906",
        "1772355906000",
        "1772355906000000",
        "1772355906000000000",
        "1772355906.0",
        1772355906,
        1772355906.0,
        1772355906000,
    ],
)
def test_one_time_in_many_spellings(text: Any) -> None:
    assert parsed(text) == AT
    assert parsed(text, BERLIN) == AT


@pytest.mark.parametrize("digits", range(10))
def test_fractions_of_any_length_are_cut_to_microseconds(digits: int) -> None:
    fraction = "123456789"[:digits]
    text = f"2026-03-01T09:05:06{'.' if digits else ''}{fraction}Z"
    assert parsed(text) == AT.replace(microsecond=int(fraction[:6].ljust(6, "0")))


def test_an_epoch_keeps_its_fraction() -> None:
    assert parsed("1772355906.25") == AT.replace(microsecond=250_000)
    assert parsed(1772355906250) == AT.replace(microsecond=250_000)


@pytest.mark.parametrize(
    "text",
    ["2026-03-01T10:05:06", "2026-03-01 10:05:06", "2026.03.01 10:05:06", "2026/03/01 10:05:06"],
)
def test_a_time_without_a_zone_is_in_the_integration_s(text: str) -> None:
    assert parsed(text, BERLIN) == AT


@pytest.mark.parametrize(
    "value", [None, "", "  ", 0, "0", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+02:00"]
)
def test_unset(value: Any) -> None:
    assert parse_time(value, UTC) == (None, False)


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "2026-13-01T00:00:00Z",
        "$DATE",
        "12",
        -5,
        12,
        True,
        float("nan"),
        float("inf"),
        10**30,
        "9" * 60,
        "9" * 70,
        "²",
        "2026-03-01T10:05:06+99:00",
        "9999-12-31T23:59:59-12:00",
        [],
        {},
        "x" * 10_000,
    ],
)
def test_garbage_is_flagged_not_refused(value: Any) -> None:
    assert parse_time(value, BERLIN) == (None, True)


def test_a_leap_second_is_the_second_before() -> None:
    assert parsed("2016-12-31T23:59:60Z") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@given(st.text(max_size=40) | st.floats() | st.integers() | st.booleans() | st.none())
def test_nothing_raises_and_what_is_read_is_utc(value: Any) -> None:
    at, doubtful = parse_time(value, BERLIN)
    assert at is None or (at.tzinfo is UTC and not doubtful)


@given(st.datetimes(min_value=datetime(2, 1, 2), max_value=datetime(9998, 1, 1)))
def test_iso_8601_round_trips(at: datetime) -> None:
    at = at.replace(tzinfo=UTC)
    assert parsed(at.isoformat()) == at
