"""When the next ping is expected: zones, the nights of a change, clocks that run ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.heartbeats.schedule import PingSchedule, ScheduleKind, described, faults_of, spelled

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def cron(expression: str, timezone: str = "Europe/Berlin") -> PingSchedule:
    return PingSchedule(ScheduleKind.CRON, None, (expression,), timezone)


def calendar(*expressions: str, timezone: str = "Europe/Berlin") -> PingSchedule:
    return PingSchedule(ScheduleKind.CALENDAR, None, expressions, timezone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        # Spring: 02:30 does not exist. Cron takes the first moment after the gap, OnCalendar skips.
        (cron("30 2 * * *"), "2026-03-28T12:00", "2026-03-29T01:00"),
        (calendar("*-*-* 02:30:00"), "2026-03-28T12:00", "2026-03-30T00:30"),
        (cron("*/30 * * * *"), "2026-03-29T00:30", "2026-03-29T01:00"),
        # Autumn: 02:30 comes twice. Both take the first pass, and the day after comes next.
        (cron("30 2 * * *"), "2026-10-24T12:00", "2026-10-25T00:30"),
        (cron("30 2 * * *"), "2026-10-25T00:30", "2026-10-26T01:30"),
        (calendar("*-*-* 02:30:00"), "2026-10-24T12:00", "2026-10-25T00:30"),
        (cron("*/30 * * * *"), "2026-10-25T00:30", "2026-10-25T01:00"),
        # A zone of its own; names, the last day, the second Monday.
        (cron("0 9 * * MON-FRI", "America/New_York"), "2026-07-03T14:00", "2026-07-06T13:00"),
        (cron("0 0 L * *", "UTC"), "2026-02-10T00:00", "2026-02-28T00:00"),
        (cron("0 0 * * MON#2", "UTC"), "2026-03-01T00:00", "2026-03-09T00:00"),
        # Several calendar lines: the earliest.
        (calendar("*-*-* 06:00", "Sat *-*-* 04:00", timezone="UTC"), "2026-03-06T12:00",
         "2026-03-07T04:00"),
        # A year that is over.
        (calendar("2026-03-01 13:00", timezone="UTC"), "2026-03-01T13:00", None),
    ],
)  # fmt: skip
def test_following(schedule: PingSchedule, after: str, expected: str | None) -> None:
    assert schedule.following(utc(after)) == (None if expected is None else utc(expected))


def test_a_ping_a_second_early_is_for_the_time_it_comes_before() -> None:
    daily = cron("0 2 * * *", "UTC")
    day_after = utc("2026-03-03T02:00")
    for pinged in ("2026-03-02T01:59:59", "2026-03-02T01:00:01", "2026-03-02T02:00:00"):
        assert daily.expected(utc(pinged), grace=HOUR) == day_after
    assert daily.expected(utc("2026-03-02T00:59:00"), grace=HOUR) == utc("2026-03-02T02:00")
    # No earlier than a tenth of the period, however long the grace.
    assert daily.expected(utc("2026-03-01T23:30:00"), grace=20 * HOUR) == utc("2026-03-02T02:00")


def test_a_run_that_took_nearly_all_of_its_time_is_not_the_next_one() -> None:
    hourly = cron("0 * * * *", "UTC")
    ended, began = utc("2026-03-02T09:58"), utc("2026-03-02T09:00")
    assert hourly.expected(ended, 10 * MINUTE, began) == utc("2026-03-02T10:00")
    assert hourly.expected(ended, 10 * MINUTE, utc("2026-03-02T09:57")) == utc("2026-03-02T11:00")


def test_an_interval_knows_no_early_and_no_daylight_saving() -> None:
    daily = PingSchedule(ScheduleKind.INTERVAL, timedelta(days=1))
    at = utc("2026-03-28T23:59:59")
    assert daily.expected(at, HOUR) == at + timedelta(days=1)


@pytest.mark.parametrize(
    ("schedule", "pointer", "code"),
    [
        (PingSchedule(ScheduleKind.INTERVAL), "/period_seconds", "required"),
        (PingSchedule(ScheduleKind.INTERVAL, HOUR, ("* * * * *",)), "/expressions", "not-taken"),
        (PingSchedule(ScheduleKind.CRON, HOUR, ("* * * * *",)), "/period_seconds", "not-taken"),
        (PingSchedule(ScheduleKind.CRON), "/expressions", "required"),
        (PingSchedule(ScheduleKind.CRON, None, ("* * * * *",) * 2), "/expressions/1", "not-taken"),
        (cron("0 * * * * *"), "/expressions/0", "invalid"),
        (cron("@daily"), "/expressions/0", "invalid"),
        (cron("0 0 30 2 *"), "/expressions/0", "invalid"),
        (cron("61 * * * *"), "/expressions/0", "invalid"),
        (calendar("tomorrow"), "/expressions/0", "invalid"),
        (calendar("daily", "x"), "/expressions/1", "invalid"),
        (calendar("2025-01-01"), "/expressions", "never"),
        (calendar("*-02-30"), "/expressions", "never"),
    ],
)
def test_what_is_no_schedule_is_refused_by_field(
    schedule: PingSchedule, pointer: str, code: str
) -> None:
    (fault,) = faults_of(schedule, NOW)
    assert (fault.pointer, fault.code) == (pointer, code)


def test_what_is_one_has_no_faults() -> None:
    for schedule in (
        PingSchedule(ScheduleKind.INTERVAL, MINUTE),
        cron("0 0 29 2 *"),
        calendar("daily", "2025-01-01"),
    ):
        assert faults_of(schedule, NOW) == []


def test_words_for_people() -> None:
    assert described(PingSchedule(ScheduleKind.INTERVAL, 90 * MINUTE)) == "every 1h30m"
    assert described(cron("30 2 * * *")) == "cron 30 2 * * * (Europe/Berlin)"
    spans = (timedelta(seconds=90), 2 * MINUTE, timedelta(days=1, hours=12, minutes=5))
    assert [spelled(span) for span in spans] == ["90s", "2m", "1d12h"]
