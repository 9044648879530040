"""Who is on call, case by case: changes of the clock, masks, overrides, gaps."""

from __future__ import annotations

import itertools
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.oncall.builders import (
    ANN,
    BEN,
    CAT,
    DAN,
    LAYER,
    OTHER_LAYER,
    layer,
    lines,
    override,
    rotation,
    schedule,
    utc,
    window,
)
from tocsin.oncall.resolve import CauseKind, gaps, on_call, resolve
from tocsin.oncall.schedule import Fallback, OnCallSchedule, RestrictionMode
from tocsin.oncall.spans import Span

HOUR = timedelta(hours=1)


def begins(plan: OnCallSchedule, since: str, until: str) -> list[str]:
    """When shifts begin in this time."""
    shifts = resolve(plan, utc(since), utc(until))
    return [f"{each.starts_at:%Y-%m-%dT%H:%MZ}" for each in shifts[1:]]


def test_a_hand_over_that_the_clock_leaves_out_is_an_hour_later_and_one_that_comes_twice_the_first():
    plan = schedule("Europe/Berlin", layer(rotation("daily", "2026-01-01", "02:30"), ANN, BEN))
    spring = begins(plan, "2026-03-28T12:00", "2026-03-30T12:00")
    assert spring == ["2026-03-29T01:30Z", "2026-03-30T00:30Z"]
    (at,) = [utc(each.rstrip("Z")) for each in spring[:1]]
    assert f"{at.astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == "03:30"
    autumn = begins(plan, "2026-10-24T12:00", "2026-10-26T12:00")
    assert autumn == ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]


def test_a_week_has_an_hour_less_in_march_and_one_more_in_october():
    turning = rotation("weekly", "2026-01-05", "09:00", day=0)
    plan = schedule("Europe/Berlin", layer(turning, ANN, BEN))
    shifts = resolve(plan, utc("2026-01-05T08:00"), utc("2026-12-28T08:00"))
    hours = {each.starts_at.date().isoformat(): each.ends_at - each.starts_at for each in shifts}
    assert hours.pop("2026-03-23") == 167 * HOUR
    assert hours.pop("2026-10-19") == 169 * HOUR
    assert set(hours.values()) == {168 * HOUR}
    assert all(a.ends_at == b.starts_at for a, b in itertools.pairwise(shifts))


@pytest.mark.parametrize(
    ("zone", "day", "local"),
    [
        ("Africa/Cairo", "2026-04-24", "2026-04-24T01:00"),
        ("America/Santiago", "2026-09-06", "2026-09-06T01:00"),
        ("America/Havana", "2026-03-08", "2026-03-08T01:00"),
        ("Asia/Beirut", "2026-03-29", "2026-03-29T01:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-31T00:00"),
    ],
)
def test_midnight_may_be_left_out(zone: str, day: str, local: str):
    plan = schedule(
        zone, layer(rotation("daily", "2010-01-01", "00:00"), ANN, BEN), since="2010-01-01"
    )
    noon = utc(f"{day}T12:00")
    shifts = resolve(plan, noon - 36 * HOUR, noon + 24 * HOUR)
    begun = {f"{each.starts_at.astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}" for each in shifts}
    assert local in begun


def test_a_clock_may_be_moved_by_half_an_hour():
    turning = rotation("daily", "2026-01-01", "02:15")
    plan = schedule("Australia/Lord_Howe", layer(turning, ANN, BEN))
    (at,) = begins(plan, "2026-10-03T12:00", "2026-10-04T12:00")
    local = utc(at.rstrip("Z")).astimezone(ZoneInfo("Australia/Lord_Howe"))
    assert f"{local:%Y-%m-%dT%H:%M}" == "2026-10-04T02:45"


def test_the_31st_is_the_last_day_of_a_shorter_month():
    plan = schedule("UTC", layer(rotation("monthly", "2026-01-31"), ANN, BEN))
    found = begins(plan, "2026-01-31T09:00", "2026-05-01T00:00")
    assert found == ["2026-02-28T09:00Z", "2026-03-31T09:00Z", "2026-04-30T09:00Z"]


def test_a_window_past_midnight_belongs_to_the_day_on_which_it_begins():
    nights = (window("mon tue wed thu fri", "22:00", "06:00"),)
    plan = schedule("UTC", layer(rotation("weekly", "2026-06-01"), ANN, restrictions=nights))
    shifts = resolve(plan, utc("2026-06-05T12:00"), utc("2026-06-08T23:00"))
    assert lines(shifts) == [
        "Ann 2026-06-05T22:00Z 2026-06-06T06:00Z",
        "Ann 2026-06-08T22:00Z 2026-06-08T23:00Z",
    ]


def test_a_window_may_last_over_days():
    weekend = (window("fri", "17:00", "09:00", "mon"),)
    plan = schedule(
        "UTC", layer(rotation("weekly", "2026-06-05", "17:00"), ANN, restrictions=weekend)
    )
    shifts = resolve(plan, utc("2026-06-06"), utc("2026-06-13"))
    assert lines(shifts) == [
        "Ann 2026-06-06T00:00Z 2026-06-08T09:00Z",
        "Ann 2026-06-12T17:00Z 2026-06-13T00:00Z",
    ]


def test_only_days_with_duty_count_where_asked():
    days = (window("mon tue wed thu fri", "09:00", "17:00"),)
    turning = rotation("daily", "2026-06-04", "00:00")  # a Thursday

    def turns(mode: RestrictionMode, since: str) -> list[str]:
        made = layer(turning, ANN, BEN, restrictions=days, mode=mode)
        shifts = resolve(schedule("UTC", made), utc(since), utc(since) + timedelta(days=6))
        return [line.split("T")[0] for line in lines(shifts)]

    assert turns(RestrictionMode.ACTIVE, "2026-06-05")[:2] == ["Ben 2026-06-05", "Ann 2026-06-08"]
    # On the wall the rotation turns at the weekend, too: an even number of days, another person on
    # Monday or the same, as it falls.
    assert turns(RestrictionMode.WALL, "2026-06-05")[:2] == ["Ben 2026-06-05", "Ann 2026-06-08"]
    three = layer(turning, ANN, BEN, CAT, restrictions=days)
    shifts = resolve(schedule("UTC", three), utc("2026-06-05"), utc("2026-06-09"))
    assert [line.split("T")[0] for line in lines(shifts)] == ["Ben 2026-06-05", "Ben 2026-06-08"]


def test_hours_that_do_not_divide_a_day_are_elapsed_time():
    wall = schedule("Europe/Berlin", layer(rotation("hours", "2026-03-28", length=12), ANN, BEN))
    elapsed = schedule("Europe/Berlin", layer(rotation("hours", "2026-03-28", length=7), ANN, BEN))
    since, until = utc("2026-03-28T08:00"), utc("2026-03-30T00:00")
    lengths = [each.ends_at - each.starts_at for each in resolve(wall, since, until)]
    assert lengths[:3] == [12 * HOUR, 11 * HOUR, 12 * HOUR]
    lengths = [each.ends_at - each.starts_at for each in resolve(elapsed, since, until)]
    assert set(lengths[:5]) == {7 * HOUR}


def test_the_first_turn_is_shorter_where_it_begins_on_no_day_of_a_hand_over():
    plan = schedule("UTC", layer(rotation("weekly", "2026-06-03", day=0), ANN, BEN))
    shifts = resolve(plan, utc("2026-06-01"), utc("2026-06-20"))
    assert lines(shifts)[:2] == [
        "Ann 2026-06-03T09:00Z 2026-06-08T09:00Z",
        "Ben 2026-06-08T09:00Z 2026-06-15T09:00Z",
    ]


def test_the_later_layer_wins_where_it_has_somebody():
    below = layer(rotation("weekly", "2026-06-01", "00:00"), ANN)
    above = layer(
        rotation("daily", "2026-06-01", "00:00"),
        (BEN, CAT),
        (),
        id=OTHER_LAYER,
        restrictions=(window("mon tue", "08:00", "10:00"),),
    )
    shifts = resolve(schedule("UTC", below, above), utc("2026-06-01"), utc("2026-06-03"))
    assert lines(shifts) == [
        "Ann 2026-06-01T00:00Z 2026-06-01T08:00Z",
        "Ben 2026-06-01T08:00Z 2026-06-01T10:00Z",
        "Cat 2026-06-01T08:00Z 2026-06-01T10:00Z",
        "Ann 2026-06-01T10:00Z 2026-06-03T00:00Z",
    ]


DAILY = layer(rotation("daily", "2026-06-01"), ANN, BEN)


def test_an_override_that_ends_at_a_hand_over_leaves_the_next_from_that_instant():
    cover = override("cover", "2026-06-01T12:00", "2026-06-02T09:00", by=CAT)
    plan = schedule("UTC", DAILY, overrides=[cover])
    assert lines(resolve(plan, utc("2026-06-01T09:00"), utc("2026-06-03T09:00"))) == [
        "Ann 2026-06-01T09:00Z 2026-06-01T12:00Z",
        "Cat 2026-06-01T12:00Z 2026-06-02T09:00Z",
        "Ben 2026-06-02T09:00Z 2026-06-03T09:00Z",
    ]
    (now,) = on_call(plan, utc("2026-06-02T09:00"))
    assert (now.user, now.cause.kind) == (BEN, CauseKind.LAYER)


def test_somebody_is_replaced_only_where_on_call():
    idle = override("replace", "2026-06-02T09:00", "2026-06-03T09:00", user=ANN, by=CAT)
    plan = schedule("UTC", DAILY, overrides=[idle])
    since, until = utc("2026-06-01T09:00"), utc("2026-06-04T09:00")
    assert resolve(plan, since, until) == resolve(schedule("UTC", DAILY), since, until)


def test_who_is_on_call_already_is_not_so_twice():
    pair = layer(rotation("daily", "2026-06-01"), (ANN, BEN))
    twice = override("replace", "2026-06-01T10:00", "2026-06-01T11:00", user=ANN, by=BEN)
    added = override("add", "2026-06-01T12:00", "2026-06-01T13:00", by=BEN, number=2)
    plan = schedule("UTC", pair, overrides=[twice, added])
    shifts = resolve(plan, utc("2026-06-01T09:00"), utc("2026-06-01T14:00"))
    assert lines(shifts) == [
        "Ann 2026-06-01T09:00Z 2026-06-01T10:00Z",
        "Ben 2026-06-01T09:00Z 2026-06-01T14:00Z",
        "Ann 2026-06-01T11:00Z 2026-06-01T14:00Z",
    ]


def test_an_override_of_one_layer_leaves_the_others():
    below = layer(rotation("weekly", "2026-06-01", "00:00"), ANN)
    above = layer(
        rotation("weekly", "2026-06-01", "00:00"),
        BEN,
        id=OTHER_LAYER,
        restrictions=(window("mon", "08:00", "12:00"),),
    )
    out = override("remove", "2026-06-01T09:00", "2026-06-01T10:00", user=BEN, layer=OTHER_LAYER)
    of_hidden = override("cover", "2026-06-01T08:00", "2026-06-01T13:00", by=DAN, layer=LAYER)
    plan = schedule("UTC", below, above, overrides=[out, of_hidden])
    assert lines(resolve(plan, utc("2026-06-01T07:00"), utc("2026-06-01T14:00"))) == [
        "Ann 2026-06-01T07:00Z 2026-06-01T08:00Z",
        "Ben 2026-06-01T08:00Z 2026-06-01T09:00Z",
        "Dan 2026-06-01T09:00Z 2026-06-01T10:00Z",
        "Ben 2026-06-01T10:00Z 2026-06-01T12:00Z",
        "Dan 2026-06-01T12:00Z 2026-06-01T13:00Z",
        "Ann 2026-06-01T13:00Z 2026-06-01T14:00Z",
    ]


def test_a_swap_is_carried_out_by_overrides_that_say_so():
    swap = UUID(int=300)
    first = override("replace", "2026-06-01T09:00", "2026-06-02T09:00", user=ANN, by=BEN, swap=swap)
    second = override(
        "replace", "2026-06-02T09:00", "2026-06-03T09:00", user=BEN, by=ANN, swap=swap, number=2
    )
    plan = schedule("UTC", DAILY, overrides=[first, second])
    shifts = resolve(plan, utc("2026-06-01T09:00"), utc("2026-06-04T09:00"))
    assert [(each.user, each.cause.kind) for each in shifts] == [
        (BEN, CauseKind.SWAP),
        (ANN, CauseKind.SWAP),
        (ANN, CauseKind.LAYER),
    ]
    assert {each.cause.swap for each in shifts[:2]} == {swap}


def test_where_nobody_is_on_call_the_fallback_is_and_the_gap_is_still_one():
    days = (window("mon tue wed thu fri", "09:00", "17:00"),)
    made = layer(rotation("weekly", "2026-06-01"), ANN, restrictions=days)
    plan = schedule("UTC", made, fallback=Fallback(user=DAN))
    span = Span(utc("2026-06-05T16:00"), utc("2026-06-08T10:00"))
    shifts = resolve(plan, *span)
    assert lines(shifts) == [
        "Ann 2026-06-05T16:00Z 2026-06-05T17:00Z",
        "Dan 2026-06-05T17:00Z 2026-06-08T09:00Z",
        "Ann 2026-06-08T09:00Z 2026-06-08T10:00Z",
    ]
    assert shifts[1].cause.kind is CauseKind.FALLBACK
    assert gaps(plan, shifts, span) == [Span(utc("2026-06-05T17:00"), utc("2026-06-08T09:00"))]


def test_there_is_nobody_before_there_was_a_schedule():
    plan = schedule("UTC", DAILY, since="2026-06-10", fallback=Fallback(user=DAN))
    span = Span(utc("2026-06-01"), utc("2026-06-11"))
    shifts = resolve(plan, *span)
    assert lines(shifts)[0].startswith("Ann 2026-06-10T00:00Z")
    assert gaps(plan, shifts, span) == []
    assert on_call(OnCallSchedule(UUID(int=1), ()), utc("2026-06-01")) == []


def test_a_window_that_ends_in_the_hour_that_comes_twice_ends_in_the_second():
    windows = (window("sat", "22:00", "02:30"), window("sun", "02:30", "04:00"))
    turning = rotation("weekly", "2026-10-19", "00:00")
    plan = schedule("Europe/Berlin", layer(turning, ANN, restrictions=windows[:1]))
    shifts = resolve(plan, utc("2026-10-24"), utc("2026-10-26"))
    assert lines(shifts) == ["Ann 2026-10-24T20:00Z 2026-10-25T01:30Z"]
    both = schedule("Europe/Berlin", layer(turning, ANN, restrictions=windows))
    shifts = resolve(both, utc("2026-10-24"), utc("2026-10-26"))
    assert lines(shifts) == ["Ann 2026-10-24T20:00Z 2026-10-25T03:00Z"]
