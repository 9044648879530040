"""What the page of a schedule resolves: the same as if it looked far in every direction."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.oncall.builders import ANN, BEN, CAT, layer, override, rotation, schedule, utc, window
from tocsin.console.on_call import schedule_shifts
from tocsin.console.on_call.schedule_shifts import looked_at, shifts_to_show, turns_to_show
from tocsin.oncall.resolve import gaps, resolve
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.oncall.spans import Span

NOW = utc("2026-03-25T12:00")
WEEK = Span(utc("2026-03-23"), utc("2026-03-30"))
YEARS_ON = Span(utc("2035-03-05"), utc("2035-03-12"))
FAR = timedelta(days=31)

DAILY = layer(rotation("daily", "2026-01-05"), ANN, BEN)
FORTNIGHTLY = layer(rotation("weekly", "2026-01-05", length=2), ANN, BEN)
MONTHLY = layer(rotation("monthly", "2026-01-05", day=5), ANN, BEN)
OFFICE = layer(
    rotation("daily", "2026-01-05"),
    CAT,
    restrictions=(window("mon tue wed thu fri", "10:00", "16:00"),),
)
COVER = override("cover", "2026-03-26T20:00", "2026-03-27T06:00", by=CAT)
LONG_COVER = override("cover", "2026-03-29", "2026-04-20", by=CAT)
SCHEDULES = {
    "daily": schedule("Europe/Berlin", DAILY, overrides=[COVER]),
    "fortnightly": schedule("Europe/Berlin", FORTNIGHTLY, overrides=[COVER]),
    "monthly": schedule("Europe/Berlin", MONTHLY, OFFICE),
    "gaps": schedule("Europe/Berlin", OFFICE),
    "covered for weeks": schedule("Europe/Berlin", DAILY, overrides=[LONG_COVER]),
    "begun this week": schedule("Europe/Berlin", DAILY, since="2026-03-24"),
    "a gap of weeks": schedule(
        "Europe/Berlin", layer(rotation("monthly", "2026-01-28", day=28), ANN, ())
    ),
}


@pytest.mark.parametrize("period", [WEEK, YEARS_ON], ids=["this week", "years on"])
@pytest.mark.parametrize("known", SCHEDULES.values(), ids=SCHEDULES)
def test_it_is_as_if_all_were_looked_at(known: OnCallSchedule, period: Span) -> None:
    found = shifts_to_show(known, period, NOW)
    around = Span(period.starts_at - FAR, period.ends_at + FAR)
    far = resolve(known, *around)
    assert found.shifts == [
        each for each in far if each.ends_at > period.starts_at and each.starts_at < period.ends_at
    ]
    assert found.gaps == [
        each
        for each in gaps(known, far, around)
        if each.ends_at > period.starts_at and each.starts_at < period.ends_at
    ]
    ahead = Span(NOW, NOW + timedelta(days=60))
    coming = resolve(known, *ahead)
    assert found.lasting is not None
    assert sorted([*found.lasting, *found.coming]) == sorted(coming)
    assert all(each.starts_at == NOW for each in found.lasting)
    assert found.gaps_ahead == gaps(known, coming, ahead)


def test_a_gap_without_end_is_that_of_the_period() -> None:
    found = shifts_to_show(schedule("UTC"), WEEK, NOW)
    assert found.gaps == [WEEK]
    assert found.shifts == []


def test_whoever_is_on_call_for_longer_than_was_looked_at_has_no_end_here() -> None:
    known = schedule("UTC", layer(rotation("monthly", "2026-03-01", length=6), ANN, BEN))
    assert shifts_to_show(known, WEEK, NOW).lasting is None


def test_a_layer_has_its_turns_be_they_overridden_or_not() -> None:
    known = schedule("Europe/Berlin", DAILY, overrides=[COVER])
    turns = [each for each in turns_to_show(known, DAILY.id, WEEK) if each.ends_at > WEEK.starts_at]
    assert [each.user for each in turns if each.starts_at < WEEK.ends_at] == [ANN, BEN] * 4


def test_the_days_are_walked_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what lies close together: it is most of what the page costs."""
    asked: list[timedelta] = []

    def counted(known: OnCallSchedule, starts_at: object, ends_at: object) -> object:
        asked.append(Span(starts_at, ends_at).length)  # type: ignore[arg-type]
        return resolve(known, starts_at, ends_at)  # type: ignore[arg-type]

    monkeypatch.setattr(schedule_shifts, "resolve", counted)
    shifts_to_show(SCHEDULES["daily"], WEEK, NOW)
    assert sum(asked, timedelta()) < timedelta(days=80)
    asked.clear()
    shifts_to_show(SCHEDULES["monthly"], YEARS_ON, NOW)
    assert sum(asked, timedelta()) < timedelta(days=260), "what lies between is not"


def test_what_is_loaded_is_all_that_is_looked_at() -> None:
    begin, end = looked_at(WEEK, NOW)
    assert begin <= WEEK.starts_at - FAR
    assert end >= max(WEEK.ends_at + FAR, NOW + timedelta(days=60))
