"""`resolve` against a model that walks minute by minute, where clocks change in every odd way."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.oncall.builders import ANN, BEN, CAT, DAN, EVE, utc
from tests.oncall.slow_model import SlowSchedule, minutes
from tocsin.oncall.resolve import Shift, gaps, part_of, resolve
from tocsin.oncall.schedule import (
    Fallback,
    Layer,
    OnCallSchedule,
    Override,
    OverrideKind,
    Restriction,
    RestrictionMode,
    RotationUnit,
    ScheduleVersion,
    ShiftRotation,
)
from tocsin.oncall.spans import Span

CHANGES = {
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),  # by half an hour
    "Pacific/Chatham": ("2026-04-04T14:00", "2026-09-26T14:00"),  # at 02:45
    "Pacific/Apia": ("2011-12-30T10:00", "2011-09-24T14:00"),  # a day that never was
    "Africa/Casablanca": ("2026-02-15T02:00", "2026-03-22T02:00"),  # for Ramadan
    "Africa/El_Aaiun": ("2026-02-15T02:00", "2026-03-22T02:00"),
    "Antarctica/Troll": ("2026-03-29T01:00", "2026-10-25T01:00"),  # by two hours
    "Asia/Kathmandu": ("2026-03-29T01:00",),  # never, but at 05:45 from UTC
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/Havana": ("2026-03-08T05:00", "2026-11-01T05:00"),  # at midnight
    "America/Santiago": (
        "2026-09-06T04:00",
        "2026-04-05T03:00",
    ),  # at midnight, back into yesterday
    "Africa/Cairo": ("2026-04-23T22:00", "2026-10-29T21:00"),
    "Europe/Dublin": ("2026-03-29T01:00", "2026-10-25T01:00"),  # winter is the exception
}

# To explain a failure, every line of the walk would be traced.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)

USERS = st.sampled_from([ANN, BEN, CAT, DAN])
CLOCKS = st.builds(
    time, st.sampled_from([0, 0, 1, 2, 2, 3, 9, 22, 23]), st.sampled_from([0, 15, 30, 45])
)
LAYERS = tuple(UUID(int=number) for number in (101, 102, 103))


@st.composite
def restrictions(draw: st.DrawFn) -> Restriction:
    return Restriction(
        draw(st.frozensets(st.integers(0, 6), min_size=1)),
        draw(CLOCKS),
        draw(CLOCKS),
        draw(st.none() | st.integers(0, 6)),
    )


@st.composite
def layers(draw: st.DrawFn, id: UUID, around: datetime) -> Layer:
    unit = draw(st.sampled_from([RotationUnit.HOURS, RotationUnit.DAILY, RotationUnit.WEEKLY]))
    starts_on = (around - timedelta(days=draw(st.integers(0, 6)))).date()
    turning = ShiftRotation(
        unit,
        draw(
            st.integers(1, 2) if unit is not RotationUnit.HOURS else st.sampled_from([1, 5, 6, 7])
        ),
        draw(CLOCKS),
        date(starts_on.year, starts_on.month, starts_on.day),
        draw(st.none() | st.integers(0, 6)) if unit is RotationUnit.WEEKLY else None,
    )
    entry = st.frozensets(USERS, max_size=2).map(lambda users: tuple(sorted(users)))
    return Layer(
        id,
        "",
        turning,
        tuple(draw(st.lists(entry, min_size=1, max_size=3))),
        tuple(draw(st.lists(restrictions(), max_size=2))),
        draw(st.sampled_from(RestrictionMode)),
        draw(st.integers(0, 2)),
    )


@st.composite
def overrides(draw: st.DrawFn, number: int, around: datetime) -> Override:
    begin = around + timedelta(minutes=draw(st.integers(-2000, 2000)))
    kind = draw(st.sampled_from(OverrideKind))
    has_user = kind in (OverrideKind.REPLACE, OverrideKind.REMOVE)
    return Override(
        UUID(int=200 + number),
        kind,
        begin,
        begin + timedelta(minutes=draw(st.integers(1, 1500))),
        draw(USERS) if has_user else None,
        None if kind is OverrideKind.REMOVE else draw(USERS | st.just(EVE)),
        draw(st.none() | st.sampled_from(LAYERS)),
        draw(st.none() | st.just(UUID(int=300))),
    )


@st.composite
def schedules(draw: st.DrawFn) -> tuple[OnCallSchedule, datetime]:
    zone = draw(st.sampled_from(sorted(CHANGES)))
    around = utc(draw(st.sampled_from(CHANGES[zone])))
    since = around + timedelta(minutes=draw(st.integers(-3000, 0)))
    versions = []
    for number in range(draw(st.integers(1, 2))):
        count = draw(st.integers(1, 3))
        versions.append(
            ScheduleVersion(
                since + timedelta(minutes=700 * number),
                draw(st.just(zone) | st.sampled_from(sorted(CHANGES))),
                tuple(draw(layers(id, around)) for id in LAYERS[:count]),
                draw(st.none() | st.just(Fallback(user=EVE))),
            )
        )
    made = [draw(overrides(number, around)) for number in range(draw(st.integers(0, 4)))]
    return OnCallSchedule(UUID(int=100), tuple(versions), tuple(made)), around


@pytest.mark.timeout(300)
@settings(max_examples=80, phases=PHASES)
@given(schedules())
def test_every_minute_is_as_the_slow_model_has_it(case: tuple[OnCallSchedule, datetime]):
    schedule, around = case
    begin, end = around - timedelta(hours=30), around + timedelta(hours=30)
    shifts = resolve(schedule, begin, end)
    slow = SlowSchedule(schedule, begin, end)
    for at in minutes(begin, end):
        found = frozenset(
            (each.user, each.cause.kind) for each in shifts if each.starts_at <= at < each.ends_at
        )
        assert found == slow.on_call(at), at


@settings(max_examples=200, phases=PHASES)
@given(schedules(), st.integers(-2400, 2400), st.integers(1, 2400))
def test_a_part_is_as_the_whole_and_nobody_is_on_call_twice(
    case: tuple[OnCallSchedule, datetime], offset: int, length: int
):
    schedule, around = case
    whole = resolve(schedule, around - timedelta(days=4), around + timedelta(days=4))
    for first, second in zip(_by_user(whole), _by_user(whole)[1:], strict=False):
        assert first.user != second.user or first.ends_at <= second.starts_at
    assert all(each.starts_at < each.ends_at for each in whole)
    begin = around + timedelta(minutes=offset)
    end = begin + timedelta(minutes=length)
    part = resolve(schedule, begin, end)
    cut = [
        (max(each.starts_at, begin), min(each.ends_at, end), each.user, each.cause.kind)
        for each in whole
        if each.starts_at < end and each.ends_at > begin
    ]
    assert sorted((each.starts_at, each.ends_at, each.user, each.cause.kind) for each in part) == (
        sorted(cut)
    )
    assert _unnumbered(part) == _unnumbered(part_of(whole, Span(begin, end)))
    missing = gaps(schedule, part, Span(begin, end))
    with_fallback = [each for each in part if each.cause.kind == "fallback"]
    assert all(
        any(gap.starts_at <= each.starts_at and each.ends_at <= gap.ends_at for gap in missing)
        for each in with_fallback
    )


def _unnumbered(shifts: list[Shift]) -> list[Shift]:
    """A shift that goes on from one version to the next is said to be of the turn in which it begins."""
    return [
        each._replace(cause=each.cause._replace(turn=None, layer_version=None)) for each in shifts
    ]


def _by_user(shifts: list[Shift]) -> list[Shift]:
    return sorted(shifts, key=lambda each: (str(each.user), each.starts_at))
