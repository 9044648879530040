"""What the health strip says of people and schedules, without a database."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from tests.oncall.builders import ANN, BEN, layer, rotation, schedule, utc, window
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.console.overview.duty_health import DutyAhead, look_ahead
from tocsin.console.overview.health_strip import people_cell, schedules_cell
from tocsin.explain.escalation_forecast import NamedSchedule
from tocsin.oncall.contacts import ContactMethod, Person
from tocsin.oncall.schedule import Fallback, Layer

NOW = utc("2026-03-25T03:12")
BY_DAY = rotation("daily", "2026-03-01")


def person(id: UUID, name: str, *, is_verified: bool = True) -> Person:
    return Person(id, name, contact_methods=(ContactMethod(id, "email", name, is_verified),))


def looked(*layers: Layer, people: tuple[Person, ...] = (), **more: Fallback) -> DutyAhead:
    named = NamedSchedule("Acme primary", "UTC", schedule("UTC", *layers, **more))
    duty = DutyAhead()
    book = OnCallBook(people={each.id: each for each in people})
    for _ in look_ahead({UUID(int=7): named}, book, NOW, duty):
        pass
    return duty


def test_whoever_is_on_call_and_would_not_be_paged_is_named() -> None:
    people = (person(ANN, "Ann"), person(BEN, "Ben", is_verified=False))
    cell = people_cell(looked(layer(BY_DAY, ANN, BEN), people=people))
    assert (cell.tone, cell.value, cell.note) == (
        "bad",
        "1 of 2 not reachable",
        "Ben · no contact method",
    )
    all_of_them = (person(ANN, "Ann"), person(BEN, "Ben"))
    cell = people_cell(looked(layer(BY_DAY, ANN, BEN), people=all_of_them))
    assert (cell.tone, cell.value) == ("ok", "All 2 reachable")


def test_a_gap_is_said_with_its_time_by_the_clock_of_the_schedule() -> None:
    by_day = window("mon tue wed thu fri sat sun", "06:00", "23:00")
    duty = looked(layer(BY_DAY, ANN, restrictions=(by_day,)), people=(person(ANN, "Ann"),))
    cell = schedules_cell(duty, NOW)
    assert (cell.tone, cell.value) == ("bad", "Nobody is on call")
    later = schedules_cell(duty, NOW + timedelta(hours=3))
    assert later.tone == "bad", "what was found begins where one looked"
    duty.gaps.pop(0)
    cell = schedules_cell(duty, NOW + timedelta(hours=3))
    assert (cell.tone, cell.value) == ("warn", "Gap Wed 23:00 – Thu 06:00")
    assert cell.note.startswith("Acme primary · in 16 h · 13 more")
    assert "from=2026-03-25" in cell.address


def test_no_gap_is_said_where_somebody_is_always_on_call_or_there_is_a_fallback() -> None:
    by_day = window("mon tue wed thu fri sat sun", "06:00", "23:00")
    for duty in (
        looked(layer(BY_DAY, ANN)),
        looked(layer(BY_DAY, ANN, restrictions=(by_day,)), fallback=Fallback(user=ANN)),
    ):
        assert schedules_cell(duty, NOW).value == "No gap"
