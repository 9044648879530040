from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
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


KOLKATA = ZoneInfo("Asia/Kolkata")
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    "text",
    [
        # Java and its JSON libraries, also with the narrow blank of newer versions.
        "Mar 1, 2026, 9:05:06 AM UTC",
        "Mar 1, 2026 9:05:06 AM GMT",
        "Mar 1, 2026, 9:05:06\u202fAM UTC",
        "Sun Mar 01 10:05:06 CET 2026",
        "2026-03-01T10:05:06+01:00[Europe/Berlin]",
        "2026-03-01T10:05:06[Europe/Berlin]",
        "2026-03-01T09:05:06Z[UTC]",
        # JavaScript.
        "Sun Mar 01 2026 10:05:06 GMT+0100",
        "Sun Mar 01 2026 10:05:06 GMT+0100 (Central European Standard Time)",
        "Sun, 01 Mar 2026 09:05:06 GMT",
        # Go.
        "2026-03-01 09:05:06 +0000 UTC",
        "2026-03-01 09:05:06 +0000 UTC m=+0.1",
        "2026-03-01 10:05:06 +0100 CET m=+12345.678901",
        "2026-03-01 14:35:06 +0530 +0530",
        # C, mail, logs, .NET.
        "Sunday, 01-Mar-26 09:05:06 GMT",
        "Sun, 1 Mar 2026 09:05:06 UT",
        "01/Mar/2026:10:05:06 +0100",
        "1 Mar 2026 04:05:06 EST",
        "Sun, 01 Mar 2026 10:05:06 +0100 (CET)",
        "/Date(1772355906000)/",
        "/Date(1772355906000+0100)/",
        # People.
        "1 March 2026 at 9:05:06 a.m. UTC",
        "March 1st, 2026 9:05:06am UTC",
        "1 Mar 2026 20:05:06 AEDT",
        "01.03.2026 10:05:06 CET",
        "1. Mar. 2026 10:05:06 MEZ",
        "2026-03-01 10:05:06 Europe/Berlin",
        "2026-03-01 11:05:06 UTC+2",
        "2026-03-01 09:05:06 (UTC)",
        "1 Mar 2026 14:35:06 India Standard Time",
        "Sun 3/1/2026 9:05:06 AM UTC",
        "09:05:06 UTC 1 Mar 2026",
    ],
)
def test_one_time_as_it_is_written(text: str) -> None:
    assert parsed(text) == AT
    assert parsed(text, BERLIN) == AT


@pytest.mark.parametrize(
    ("text", "hour"),
    [("12:05:06 AM", 0), ("1:05:06 AM", 1), ("12:05:06 PM", 12), ("1:05:06 pm", 13)],
)
def test_twelve_hours_twice(text: str, hour: int) -> None:
    assert parsed(f"Mar 1, 2026, {text}") == AT.replace(hour=hour)


@pytest.mark.parametrize(
    "digits", ["20260301090506", "202603010905", "20260301090506250", 20260301090506]
)
def test_bare_digits_of_a_date_are_no_epoch(digits: Any) -> None:
    at = parsed(digits)
    assert at is not None
    assert at.replace(second=6, microsecond=0) == AT


def test_a_zone_that_several_countries_have_is_the_integration_s_own_or_none() -> None:
    assert parsed("Sun Mar 01 14:35:06 IST 2026", KOLKATA) == AT
    assert parsed("Sun Mar 01 17:05:06 CST 2026", SHANGHAI) == AT
    assert parsed("Sun Mar 01 03:05:06 CST 2026", ZoneInfo("America/Chicago")) == AT
    for name in ("IST", "CST", "AST", "GST"):
        assert parse_time(f"Sun Mar 01 09:05:06 {name} 2026", BERLIN) == (None, True)


def test_the_hour_that_comes_twice_is_known_by_the_zone_s_name() -> None:
    assert parsed("2026-10-25 02:30:00 CEST", BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert parsed("2026-10-25 02:30:00 CET", BERLIN) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "05/06/2026 10:00:00",
        "05-06-2026 10:00:00 AM",
        "01/02/03 10:00",
        "26-Mar-25 10:00:00",
        "Mon Mar 01 09:05:06 2026",
        "Mar 1, 2026, 13:05:06 PM",
        "Mar 1, 2026, 0:05:06 AM",
        "Mar 32, 2026, 9:05:06 AM",
        "Mar 1, 2026",
        "Mar 1 9:05:06",
        "9:05:06",
        "1 Mar 2026 09:05:06 XYZ",
        "1 Mar 2026 09:05:06 Nowhere/City",
        "1 Mar 2026 09:05:06 +0100 banana",
        "2026-03-01 10:05:06 +0100 UTC",
        "1 Mar 2026 09:05:06 +9900",
        "1 Mar 2026 09:61:06",
        "1 Mar 2026 09:05:06 10:05:06",
        "1 Mar 2026 2 Mar 2026 09:05:06",
        "nearly Mar 1, 2026 9:05:06 AM",
        "Mar 1, 2026 9:05:06 AM PM",
        "mar. 1 mars 2026 09:05:06",
        "20261301090506",
        20269999999999,
        "/Date(soon)/",
        "2026-03-01+01:00",
        "2026-03-01-08:00",
        "20260301+0100",
        "0000-00-00 00:00:00",
    ],
)
def test_what_has_two_meanings_or_a_word_too_many_is_flagged(text: Any) -> None:
    assert parse_time(text, BERLIN) == (None, True)


FORMS = [
    "%Y-%m-%d %I:%M:%S %p",
    "%Y-%m-%dT%H:%M:%S",
    "%b %d, %Y, %I:%M:%S %p",
    "%B %d, %Y %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%A, %d %B %Y at %I:%M:%S%p",
    "%d %b %Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%a %m/%d/%Y %I:%M:%S %p",
    "%H:%M:%S %d %b %Y",
    "%Y%m%d%H%M%S",
]
moments = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2089, 1, 1)).map(
    lambda at: at.replace(microsecond=0)
)
offsets = st.integers(-12 * 4, 14 * 4).map(lambda quarters: timedelta(minutes=15 * quarters))


@given(moments, st.sampled_from(FORMS))
def test_a_written_time_is_right_or_flagged(at: datetime, form: str) -> None:
    found, doubtful = parse_time(at.strftime(form), UTC)
    assert doubtful or found == at.replace(tzinfo=UTC)
    # Only the order of day and month can be in doubt.
    assert not doubtful or "%m/%d" in form


@given(moments, st.sampled_from(FORMS[:-1]), offsets, st.sampled_from(["", "GMT", "UTC"]))
def test_an_offset_counts_in_every_form(
    at: datetime, form: str, offset: timedelta, name: str
) -> None:
    zone = timezone(offset)
    text = at.strftime(form)
    if text.endswith(at.strftime("%Y")):
        return
    found, doubtful = parse_time(f"{text} {name}{at.replace(tzinfo=zone).strftime('%z')}", BERLIN)
    assert doubtful or found == at.replace(tzinfo=zone)
    assert not doubtful or "%m/%d" in form


@given(moments, st.sampled_from(FORMS[:-1]), st.text("abcdefgxyzPM+-0123456789:/", min_size=1))
def test_a_word_more_never_makes_another_time_of_it(at: datetime, form: str, more: str) -> None:
    plain = at.strftime(form)
    for text in (f"{plain} {more}", f"{more} {plain}"):
        found, _ = parse_time(text, UTC)
        if found is not None:
            # An offset, a half of the day or a second spelling of what was said.
            assert abs(found - at.replace(tzinfo=UTC)) <= timedelta(hours=14), text
