from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.routing.quiet_hours import instant
from tocsin.routing.recurrence import WEEKDAYS, Occurrence, Recurrence, RecurrenceRule

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Havana",
]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _berlin(starts_at: str, length: timedelta, rule: str | None = None) -> Recurrence:
    return Recurrence(datetime.fromisoformat(starts_at), "Europe/Berlin", length, rule)


def test_starts_are_wall_clock_time_the_length_is_elapsed_time() -> None:
    weekly = _berlin("2026-01-06T02:00", 2 * HOUR, "FREQ=WEEKLY;BYDAY=TU")
    found = weekly.next(_utc("2026-03-20T00:00"), 2)
    assert found == [
        Occurrence(_utc("2026-03-24T01:00"), _utc("2026-03-24T03:00")),
        Occurrence(_utc("2026-03-31T00:00"), _utc("2026-03-31T02:00")),
    ]
    night = _berlin("2026-03-28T23:00", 6 * HOUR)
    (only,) = night.next(_utc("2026-03-28T00:00"), 5)
    assert only.ends_at - only.starts_at == 6 * HOUR


def test_a_start_in_a_gap_is_the_moment_after_it_and_one_that_occurs_twice_is_the_first() -> None:
    daily = _berlin("2026-01-01T02:30", HOUR, "FREQ=DAILY")
    spring = daily.next(_utc("2026-03-28T12:00"), 2)
    assert [each.starts_at for each in spring] == [
        _utc("2026-03-29T01:00"),
        _utc("2026-03-30T00:30"),
    ]
    (autumn,) = daily.next(_utc("2026-10-24T12:00"), 1)
    assert autumn == Occurrence(_utc("2026-10-25T00:30"), _utc("2026-10-25T01:30"))
    shown = autumn.ends_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert (shown.hour, shown.minute, shown.fold) == (2, 30, 1)


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=MONTHLY;BYDAY=1TU", ["2026-01-06", "2026-02-03", "2026-03-03"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", ["2026-01-31", "2026-03-31", "2026-05-31"]),
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", ["2026-01-01", "2026-04-01", "2026-07-01"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TH,MO", ["2026-01-01", "2026-01-12", "2026-01-15"]),
        ("FREQ=DAILY;INTERVAL=10", ["2026-01-01", "2026-01-11", "2026-01-21"]),
        ("FREQ=DAILY;BYDAY=SA,SU", ["2026-01-03", "2026-01-04", "2026-01-10"]),
        ("FREQ=DAILY;COUNT=2", ["2026-01-01", "2026-01-02"]),
        ("FREQ=DAILY;UNTIL=20260102", ["2026-01-01", "2026-01-02"]),
        ("FREQ=DAILY;UNTIL=20260102T020000", ["2026-01-01", "2026-01-02"]),
        ("FREQ=DAILY;UNTIL=20260102T015959Z", ["2026-01-01", "2026-01-02"]),
        ("FREQ=DAILY;UNTIL=20260102T005959Z", ["2026-01-01"]),
        ("FREQ=MONTHLY", ["2026-01-01", "2026-02-01", "2026-03-01"]),
        ("FREQ=WEEKLY", ["2026-01-01", "2026-01-08", "2026-01-15"]),
    ],
)
def test_what_rules_mean(rule: str, days: list[str]) -> None:
    found = _berlin("2026-01-01T02:00", HOUR, rule).first(3)
    assert [str(each.starts_at.date()) for each in found] == days


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("FREQ=YEARLY", "DAILY"),
        ("INTERVAL=2", "FREQ"),
        ("FREQ=DAILY;BYHOUR=2", "BYHOUR"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;COUNT=1;UNTIL=20260101", "exclude"),
        ("FREQ=DAILY;COUNT=", "COUNT"),
        ("FREQ=WEEKLY;BYDAY=1MO", "MONTHLY"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "WEEKLY"),
        ("FREQ=MONTHLY;BYDAY=6MO", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=", "BYDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=DAILY;UNTIL=2026", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("FREQ=DAILY;UNTIL=20260101Z", "UNTIL"),
        ("RRULE:FREQ=DAILY", "RRULE"),
        ("", "understood"),
    ],
)
def test_a_rule_beyond_what_is_taken_is_refused_in_words(rule: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        RecurrenceRule.parse(rule)


def test_what_is_counted_counts_what_is_excepted_too() -> None:
    skipped = frozenset({datetime(2026, 1, 2, 2)})
    made = Recurrence(datetime(2026, 1, 1, 2), "UTC", HOUR, "FREQ=DAILY;COUNT=3", skipped)
    assert [each.starts_at.day for each in made.first(9)] == [1, 3]
    assert made.last_start() == _utc("2026-01-03T02:00")
    stored = Recurrence(
        made.starts_at, made.timezone, made.length, made.rule, skipped, made.last_start()
    )
    assert stored.first(9) == made.first(9)
    assert stored.at(_utc("2026-01-04T02:00")) is None


def test_what_never_occurs_is_found_out_soon() -> None:
    never = Recurrence(datetime(2026, 1, 5), "UTC", HOUR, "FREQ=DAILY;INTERVAL=7;BYDAY=TU")
    assert never.first(1) == []
    never = Recurrence(datetime(2026, 2, 1), "UTC", HOUR, "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30")
    assert never.first(1) == []


# Against a calendar that is leafed through day by day


rules = st.one_of(
    st.builds(
        lambda interval, days: f"FREQ=DAILY;INTERVAL={interval}{days}",
        st.integers(1, 9),
        st.sampled_from(["", ";BYDAY=SA,SU", ";BYMONTHDAY=1,15,-1"]),
    ),
    st.builds(
        lambda interval, days: f"FREQ=WEEKLY;INTERVAL={interval}{days}",
        st.integers(1, 4),
        st.sampled_from(["", ";BYDAY=TU", ";BYDAY=MO,SU"]),
    ),
    st.builds(
        lambda interval, days: f"FREQ=MONTHLY;INTERVAL={interval}{days}",
        st.integers(1, 13),
        st.sampled_from(
            ["", ";BYMONTHDAY=-1", ";BYMONTHDAY=31", ";BYDAY=1MO,-1FR", ";BYDAY=SU", ";BYDAY=5WE"]
        ),
    ),
)


def _comes_round(first: datetime, rule: str, day: date) -> bool:
    said = dict(part.split("=") for part in rule.split(";"))
    interval = int(said["INTERVAL"])
    days = said["BYDAY"].split(",") if "BYDAY" in said else []
    month_days = (
        [int(each) for each in said["BYMONTHDAY"].split(",")] if "BYMONTHDAY" in said else []
    )
    match said["FREQ"]:
        case "DAILY":
            in_step = (day - first.date()).days % interval == 0
        case "WEEKLY":
            monday = first.date() - timedelta(days=first.weekday())
            in_step = (day - monday).days // 7 % interval == 0
            days = days or [WEEKDAYS[first.weekday()]]
        case _:
            in_step = ((day.year - first.year) * 12 + day.month - first.month) % interval == 0
            month_days = month_days or ([] if days else [first.day])
    length = calendar.monthrange(day.year, day.month)[1]
    by_day = not days or any(
        day.weekday() == WEEKDAYS.index(each[-2:])
        and each[:-2] in ("", str((day.day + 6) // 7), str(-((length - day.day) // 7 + 1)))
        for each in days
    )
    by_month_day = not month_days or day.day in month_days or day.day - length - 1 in month_days
    return in_step and by_day and by_month_day


@settings(max_examples=300, deadline=None)
@given(
    first=st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31)),
    zone=st.sampled_from(ZONES),
    rule=rules,
    minutes=st.integers(1, 3 * 24 * 60),
    asked=st.lists(st.integers(-3 * 24 * 60, 400 * 24 * 60), min_size=1, max_size=8),
    last=st.none() | st.integers(0, 300),
)
def test_it_lasts_when_a_calendar_says_so(
    first: datetime, zone: str, rule: str, minutes: int, asked: list[int], last: int | None
) -> None:
    first, length = first.replace(second=0, microsecond=0), timedelta(minutes=minutes)
    until = None if last is None else first.date() + timedelta(days=last)
    if until is not None:
        rule += f";UNTIL={until:%Y%m%d}"
    made = Recurrence(first, zone, length, rule)
    starts = []
    for number in range(430):
        day = first.date() + timedelta(days=number)
        if (until is None or day <= until) and _comes_round(first, rule, day):
            starts.append(instant(datetime.combine(day, first.time()), ZoneInfo(zone)))
    for minute in asked:
        now = instant(first, ZoneInfo(zone)) + timedelta(minutes=minute)
        lasting = [each for each in starts if each <= now < each + length]
        wanted = Occurrence(lasting[-1], lasting[-1] + length) if lasting else None
        assert made.at(now) == wanted, now
        ahead = [each for each in starts if each + length > now][:3]
        if len(ahead) == 3:
            assert [each.starts_at for each in made.next(now, 3)] == ahead
    # What is remembered of the last answer changes no other.
    for minute in sorted(asked):
        now = instant(first, ZoneInfo(zone)) + timedelta(minutes=minute)
        assert made.at(now) == Recurrence(first, zone, length, rule).at(now)


def test_the_time_of_day_of_the_first_start_stays() -> None:
    made = Recurrence(datetime(2026, 1, 31, 23, 15), "UTC", HOUR, "FREQ=MONTHLY;INTERVAL=2")
    assert {each.starts_at.time() for each in made.first(5)} == {time(23, 15)}
