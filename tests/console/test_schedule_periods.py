"""Which days a schedule's page shows, and where things stand in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tocsin.console.on_call.schedule_lanes import ROW, LaneBar, gap_bars, placed
from tocsin.console.on_call.schedule_periods import CalendarView, Period, period_of
from tocsin.oncall.spans import Span

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 25, 2, 12, tzinfo=UTC)


def week(begin: str = "2026-03-25") -> Period:
    return period_of("week", begin, NOW, BERLIN)


@pytest.mark.parametrize(
    ("view", "begin", "first", "count", "name"),
    [
        ("week", "", date(2026, 3, 23), 7, "23 – 29 March 2026"),
        ("week", "2026-04-01", date(2026, 3, 30), 7, "30 March – 5 April 2026"),
        ("day", "", date(2026, 3, 25), 1, "Wed 25 March 2026"),
        ("month", "2026-02-14", date(2026, 2, 1), 28, "February 2026"),
        ("agenda", "", date(2026, 3, 25), 28, "25 March – 21 April 2026"),
        ("year", "2026-13-45", date(2026, 3, 23), 7, "23 – 29 March 2026"),
        ("week", "0001-01-01", date(2026, 3, 23), 7, "23 – 29 March 2026"),
    ],
)
def test_the_address_says_which_days(
    view: str, begin: str, first: date, count: int, name: str
) -> None:
    found = period_of(view, begin, NOW, BERLIN)
    assert (found.days[0].date, len(found.days), found.name) == (first, count, name)
    assert f"from={first}" in found.address()


def test_those_beside_it_adjoin() -> None:
    for view in CalendarView:
        here = period_of(view.value, "2026-01-31", NOW, BERLIN)
        after = period_of(view.value, here.next.isoformat(), NOW, BERLIN)
        before = period_of(view.value, here.previous.isoformat(), NOW, BERLIN)
        assert here.span.ends_at == after.span.starts_at
        assert before.span.ends_at == here.span.starts_at


def test_a_day_with_an_hour_less_is_narrower_and_says_so() -> None:
    marks = week().marks(NOW)
    assert [mark.note for mark in marks] == [""] * 6 + ["23 h day"]
    assert [mark.is_today for mark in marks].index(True) == 2
    assert marks[1].x - marks[0].x > 100 - marks[6].x > 0
    (words,) = week().clock_words()
    assert words == (
        "Clocks go forward on Sunday 29 March, from 02:00 to 03:00: that day has 23 h."
    )
    (back,) = week("2026-10-25").clock_words()
    assert "that day has 25 h; the time from 02:00 to 03:00 comes twice." in back
    hours = period_of("day", "2026-03-29", NOW, BERLIN).marks(NOW)
    assert [mark.words for mark in hours][:3] == ["00:00", "03:00", "05:00"]


def _bar(begin: float, end: float, name: str = "Ana Ruiz") -> LaneBar:
    """In hours since the week began."""
    since = week().span.starts_at
    return LaneBar(
        since + timedelta(hours=begin), since + timedelta(hours=end), name, "teal", "words"
    )


def test_bars_are_cut_at_the_edges_and_stand_in_rows_where_they_meet() -> None:
    found = placed([_bar(-5, 24), _bar(0, 12, "Ben"), _bar(12, 24, "Cat"), _bar(200, 201)], week())
    assert [(bar.name, bar.row) for bar in found] == [("Ana Ruiz", 0), ("Ben", 1), ("Cat", 1)]
    assert found[0].x == 0
    assert found[1].width == pytest.approx(100 * 12 / 167, abs=0.01)
    assert found[1].y == ROW + 4


def test_as_much_of_a_name_as_fits_stands_in_a_bar() -> None:
    bars = [placed([_bar(0, hours)], week())[0] for hours in (24, 10, 6, 3, 1)]
    assert [bar.label for bar in bars] == ["Ana Ruiz", "Ana", "A", "A", ""]
    assert [bar.is_tight for bar in bars] == [False, False, False, True, False]


def test_a_shift_of_half_a_day_has_its_letter_in_a_month() -> None:
    month = period_of("month", "2026-03-25", NOW, BERLIN)
    (bar,) = placed([_bar(0, 12)], month)
    assert (bar.label, bar.is_tight) == ("A", True)


def test_a_gap_is_a_bar_of_nobody() -> None:
    (bar,) = gap_bars([Span(NOW, NOW + timedelta(hours=5))], "nobody is on call")
    assert (bar.style, bar.name, bar.words) == ("gap", "", "nobody is on call")
