from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.routing.builders import EVERY_DAY, quiet_hours, quiet_window
from tocsin.model import Severity
from tocsin.routing.quiet_hours import DAYS, QuietHours, QuietWindow, instant

MINUTE = timedelta(minutes=1)

# Around what can go wrong, per zone: half an hour of summer time, a quarter past the hour, a day
# that never was, summer time from midnight on, a change at one minute past midnight, the same day
# twice, clocks that go back to the day before, and no change at all.
CHANGES = {
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "Asia/Kathmandu": [date(1986, 1, 1), date(2026, 5, 13)],
    "Pacific/Apia": [date(2011, 12, 30), date(2012, 4, 1)],
    "America/Sao_Paulo": [date(2017, 10, 15), date(2018, 2, 18), date(2018, 11, 4)],
    "America/St_Johns": [date(2010, 3, 14), date(2010, 11, 7)],
    "Pacific/Kwajalein": [date(1969, 9, 30), date(1993, 8, 21)],
    "America/Havana": [date(2026, 3, 8), date(2026, 11, 1)],
    "Africa/Casablanca": [date(2026, 2, 15), date(2026, 3, 22)],
    "Asia/Tokyo": [date(2026, 5, 13)],
    "UTC": [date(2026, 5, 13)],
}


DAYS_WATCHED = 12  # to either side; the longest finite chain of periods is a week


class WallClock:
    """What a watchman writes down who looks at the clock on the wall every minute."""

    def __init__(self, zone: str, around: date) -> None:
        midnight = datetime(around.year, around.month, around.day, tzinfo=UTC)
        first = midnight - timedelta(days=DAYS_WATCHED)
        self.minutes = [first + MINUTE * number for number in range(2 * DAYS_WATCHED * 24 * 60)]
        self.seen: dict[datetime, datetime] = {}
        self.jumps: list[tuple[datetime, datetime, datetime]] = []
        previous: datetime | None = None
        for at in self.minutes:
            shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
            self.seen.setdefault(shown, at)
            if previous is not None and shown > previous + MINUTE:
                self.jumps.append((previous, shown, at))
            previous = shown

    def first_showing(self, local: datetime) -> datetime | None:
        """The first minute at which the clock shows this time, or has jumped over it."""
        over = [at for before, shown, at in self.jumps if before < local < shown]
        return min([*over, *([self.seen[local]] if local in self.seen else [])], default=None)


@cache
def watch(zone: str, around: date) -> WallClock:
    return WallClock(zone, around)


@cache
def watched(quiet: QuietWindow, around: date) -> list[tuple[datetime, bool]]:
    """The plain slow model: for each minute whether it is quiet."""
    line = watch(quiet.timezone, around)
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (quiet.start, quiet.end))
    is_quiet = dict.fromkeys(line.minutes, False)
    for distance in range(-DAYS_WATCHED, DAYS_WATCHED + 1):
        day = datetime(around.year, around.month, around.day) + timedelta(days=distance)
        if DAYS[day.weekday()] not in quiet.days:
            continue
        last = day + timedelta(days=1 if end <= start else 0)
        begins = line.first_showing(day + MINUTE * start)
        ends = line.first_showing(last + MINUTE * end)
        if begins is not None and ends is not None:
            for number in range(int((ends - begins) / MINUTE)):
                is_quiet[begins + MINUTE * number] = True
    return list(is_quiet.items())


zones_and_days = st.sampled_from([(zone, day) for zone in CHANGES for day in CHANGES[zone]])
after_midnight = st.builds(
    "0{}:{}".format, st.integers(0, 3), st.sampled_from(["00", "01", "15", "30", "45"])
)
before_midnight = st.sampled_from(["12:00", "22:00", "23:00", "23:30", "23:59"])
any_time = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
wall_times = after_midnight | before_midnight | any_time
some_days = st.just(EVERY_DAY) | st.frozensets(st.sampled_from(DAYS), min_size=1)


@settings(max_examples=150, deadline=None)
@given(
    zone_and_day=zones_and_days,
    start=wall_times,
    end=wall_times,
    days=some_days,
    looks=st.lists(st.integers(-48 * 60, 48 * 60), min_size=1, max_size=40),
    seconds=st.integers(0, 59),
)
@example(("Europe/Berlin", date(2026, 3, 29)), "22:00", "02:30", EVERY_DAY, [-60, 0, 60], 30)
@example(("Pacific/Apia", date(2011, 12, 30)), "22:00", "07:00", EVERY_DAY, [0, 600, 900], 0)
@example(("Pacific/Apia", date(2011, 12, 30)), "12:00", "12:00", frozenset({"thu"}), [0], 0)
@example(("America/St_Johns", date(2010, 11, 7)), "00:00", "06:00", frozenset({"sun"}), [200], 0)
def test_agrees_with_a_watchman_who_looks_at_the_clock_every_minute(
    zone_and_day: tuple[str, date],
    start: str,
    end: str,
    days: frozenset[str],
    looks: list[int],
    seconds: int,
) -> None:
    zone, day = zone_and_day
    quiet = quiet_window(start, end, zone, days)
    always = days == EVERY_DAY and start == end
    watched_minutes = watched(quiet, day)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    # One object is asked many times, to and fro, for it remembers its last answer.
    for look in looks:
        now = midnight + MINUTE * look + timedelta(seconds=seconds)
        index = int((now - watched_minutes[0][0]) / MINUTE)
        until = quiet.until(now)
        if always:
            assert until is None
            continue
        loud = next((at for at, is_quiet in watched_minutes[index:] if not is_quiet))
        if watched_minutes[index][1]:
            assert until is not None
            assert until > now
            assert until.tzinfo is UTC
            # Nothing between is loud, and the end itself is: contiguous periods are one.
            assert until == loud
        else:
            assert until is None


@settings(max_examples=150, deadline=None)
@given(
    zone_and_day=zones_and_days,
    start=wall_times,
    end=wall_times,
    distance=st.integers(-2, 2),
)
def test_a_period_ends_when_the_wall_clock_shows_its_end_or_has_jumped_over_it(
    zone_and_day: tuple[str, date], start: str, end: str, distance: int
) -> None:
    zone, day = zone_and_day
    day += timedelta(days=distance)
    began, ended = quiet_window(start, end, zone).period(day)
    assert began <= ended
    shown = ended.astimezone(ZoneInfo(zone))
    just_before = (ended - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    if shown.strftime("%H:%M") == end:
        assert shown.fold == 0
    else:
        before = just_before.replace(tzinfo=None)
        jumped = shown.replace(tzinfo=None) - before
        assert jumped > timedelta(seconds=1)
        last = day + timedelta(days=1 if end <= start else 0)
        meant = datetime.fromisoformat(f"{last}T{end}")
        assert before < meant < shown.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # Clocks go forward at 01:00Z on 29 March: 07:00 comes an hour sooner.
        ("2026-03-28T22:00", "2026-03-29T05:00"),
        ("2026-03-27T22:00", "2026-03-28T06:00"),
        # Clocks go back at 01:00Z on 25 October.
        ("2026-10-24T21:00", "2026-10-25T06:00"),
        ("2026-10-25T21:00", "2026-10-26T06:00"),
        # The first instant is quiet, the end is not.
        ("2026-05-13T20:00", "2026-05-14T05:00"),
        ("2026-05-13T19:59", None),
        ("2026-05-14T05:00", None),
    ],
)
def test_a_night_in_berlin(now: str, expected: str | None) -> None:
    until = quiet_window("22:00", "07:00", "Europe/Berlin").until(utc(now))
    assert until == (None if expected is None else utc(expected))


def test_a_weekend_is_followed_to_its_real_end() -> None:
    weekend = QuietWindow(frozenset({"fri", "sat", "sun"}), "18:00", "18:00", "Europe/Berlin")
    assert weekend.until(utc("2026-05-15T17:00")) == utc("2026-05-18T16:00")
    assert weekend.until(utc("2026-05-18T16:00")) is None


def test_equal_times_are_a_whole_day() -> None:
    sunday = quiet_window("00:00", "00:00", "UTC", frozenset({"sun"}))
    assert sunday.until(utc("2026-05-17T00:00")) == utc("2026-05-18T00:00")
    assert sunday.until(utc("2026-05-16T23:59")) is None


def test_an_end_in_the_gap_is_the_first_instant_after_it() -> None:
    assert instant(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Berlin")) == utc(
        "2026-03-29T01:00"
    )
    # Samoa had no 30 December 2011; its 29 December ended at 10:00Z.
    assert instant(datetime(2011, 12, 30, 7, 0), ZoneInfo("Pacific/Apia")) == utc(
        "2011-12-30T10:00"
    )


def test_an_end_that_comes_twice_is_the_first_of_the_two() -> None:
    assert instant(datetime(2026, 10, 25, 2, 30), ZoneInfo("Europe/Berlin")) == utc(
        "2026-10-25T00:30"
    )


def test_quiet_without_end_is_a_mistake_and_mutes_nothing() -> None:
    always = quiet_window("09:00", "09:00", "Europe/Berlin")
    assert always.until(utc("2026-05-13T12:00")) is None
    # Nearly always is taken at its word.
    nearly = quiet_window("09:00", "08:59", "Europe/Berlin")
    assert nearly.until(utc("2026-05-13T12:00")) == utc("2026-05-14T06:59")


def test_breaking_through() -> None:
    night = utc("2026-05-13T23:00")
    end = utc("2026-05-14T07:00")
    from_high = quiet_hours(breakthrough=Severity.HIGH)
    assert from_high.hold(Severity.CRITICAL, night) is None
    assert from_high.hold(Severity.HIGH, night) is None
    assert from_high.hold(Severity.MEDIUM, night) == end
    assert quiet_hours(breakthrough=None).hold(Severity.CRITICAL, night) == end


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"timezone": "Europe/Atlantis"}, "Europe/Atlantis"),
        ({"timezone": "Europe"}, "Europe"),
        ({"timezone": "../etc/passwd"}, "passwd"),
        ({"start": "7"}, "HH:MM"),
        ({"end": "24:00"}, "00:00"),
        ({"end": "٠٧:٠٠"}, "HH:MM"),
        ({"days": frozenset({"monday"})}, "monday"),
    ],
)
def test_what_cannot_be_understood_is_never_quiet(change: dict[str, str], words: str) -> None:
    values = {"days": EVERY_DAY, "start": "22:00", "end": "07:00", "timezone": "UTC"} | change
    quiet = QuietWindow(**values)  # type: ignore[arg-type]
    assert quiet.fault is not None
    assert words in quiet.fault
    assert quiet.until(utc("2026-05-13T23:00")) is None


def test_document_and_back() -> None:
    quiet = quiet_window(breakthrough=Severity.HIGH, days=frozenset({"sun", "mon"}))
    assert quiet.document()["days"] == ["mon", "sun"]
    assert QuietWindow.from_document(quiet.document()) == quiet


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-12-23T12:00", None),
        ("2026-12-24T00:00", "2026-12-27T00:00"),
        ("2026-12-26T23:59", "2026-12-27T00:00"),
        ("2026-11-24T12:00", None),
    ],
)
def test_certain_days_of_certain_months(now: str, expected: str | None) -> None:
    dates = frozenset({24, 25, 26})
    feast = quiet_window("00:00", "00:00", months=frozenset({12}), days_of_month=dates)
    assert feast.until(utc(now)) == (None if expected is None else utc(expected))
    assert QuietWindow.from_document(feast.document()) == feast


@pytest.mark.parametrize(("day", "is_quiet"), [("02-28", True), ("02-27", False), ("04-30", True)])
def test_the_last_day_of_a_month(day: str, is_quiet: bool) -> None:
    last = quiet_window("09:00", "12:00", days_of_month=frozenset({-1}))
    assert (last.until(utc(f"2026-{day}T10:00")) is not None) == is_quiet


def test_a_whole_month_is_followed_and_asked_again() -> None:
    august = QuietHours((quiet_window("00:00", "00:00", months=frozenset({8})),))
    assert august.hold(Severity.CRITICAL, utc("2026-08-01T12:00")) == utc("2026-09-01T00:00")
    summer = QuietHours((quiet_window("00:00", "00:00", months=frozenset({6, 7, 8})),))
    now, seen = utc("2026-06-01T00:00"), 0
    while (until := summer.hold(Severity.LOW, now)) is not None:
        now, seen = until, seen + 1
    assert (now, seen) == (utc("2026-09-01T00:00"), 3)


NIGHTS = quiet_window("18:00", "09:00", days=frozenset({"mon", "tue", "wed", "thu", "fri"}))
WEEKEND = quiet_window(
    "09:00", "09:00", days=frozenset({"sat", "sun"}), breakthrough=Severity.CRITICAL
)


@pytest.mark.parametrize(
    ("severity", "now", "expected"),
    [
        (Severity.HIGH, "2026-05-13T12:00", None),
        (Severity.HIGH, "2026-05-13T19:00", "2026-05-14T09:00"),
        # Friday night runs into the weekend, and that into Monday morning.
        (Severity.HIGH, "2026-05-15T19:00", "2026-05-18T09:00"),
        (Severity.CRITICAL, "2026-05-15T19:00", "2026-05-16T09:00"),
        (Severity.CRITICAL, "2026-05-16T12:00", None),
    ],
)
def test_windows_take_over_from_each_other(
    severity: Severity, now: str, expected: str | None
) -> None:
    hours = QuietHours((NIGHTS, WEEKEND))
    at = utc(now)
    for later in (timedelta(0), timedelta(seconds=1)):  # the second answer is remembered
        assert hours.hold(severity, at + later) == (None if expected is None else utc(expected))


def test_windows_that_leave_no_gap_mute_nothing() -> None:
    weekdays = quiet_window("09:00", "09:00", days=EVERY_DAY - {"sat", "sun"})
    hours = QuietHours((weekdays, quiet_window("09:00", "09:00", days=frozenset({"sat", "sun"}))))
    assert hours.hold(Severity.LOW, utc("2026-05-13T12:00")) is None


def test_the_window_that_holds_is_named() -> None:
    hours = QuietHours((NIGHTS, WEEKEND))
    assert hours.holding(Severity.HIGH, utc("2026-05-16T12:00")) is WEEKEND
    assert hours.holding(Severity.HIGH, utc("2026-05-15T19:00")) is NIGHTS
    assert hours.holding(Severity.CRITICAL, utc("2026-05-16T12:00")) is None


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
