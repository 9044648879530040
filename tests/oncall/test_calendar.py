"""Shifts as calendars read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from icalendar import Calendar

from tests.oncall.builders import ANN, BEN, CAT, layer, override, rotation, schedule, utc
from tocsin.oncall.calendar import CalendarEntry, rendered, uid
from tocsin.oncall.resolve import resolve
from tocsin.oncall.schedule import OnCallSchedule

DAY = utc("2026-06-01")
PLAN = schedule("Europe/Berlin", layer(rotation("daily", "2026-06-01"), ANN, BEN))


def entries(plan: OnCallSchedule, days: int = 6) -> list[CalendarEntry]:
    shifts = resolve(plan, utc("2026-06-01T07:00"), utc("2026-06-01T07:00") + timedelta(days=days))
    return [CalendarEntry(plan.id, each, "Ann & Bob; „Ö“, \n" * 9, "why") for each in shifts]


def test_another_reader_finds_what_was_written():
    body = rendered("On call: Bereitschaft", entries(PLAN), DAY)
    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert body.decode().count("BEGIN:VEVENT") == 6
    read = Calendar.from_ical(body)
    assert str(read["x-wr-calname"]) == "On call: Bereitschaft"
    first = read.walk("VEVENT")[0]
    assert first.decoded("dtstart") == utc("2026-06-01T07:00")
    assert first.decoded("dtend") == utc("2026-06-02T07:00")
    assert "Ann & Bob; „Ö“, \n" in str(first["summary"])
    assert b"DTSTART:20260601T070000Z" in body
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT1H" in body
    assert (str(first["transp"]), str(first["status"])) == ("TRANSPARENT", "CONFIRMED")


def test_ids_differ_and_stay_where_a_shift_becomes_shorter():
    before = [uid(each) for each in entries(PLAN)]
    assert len(set(before)) == len(before)
    cover = override("cover", "2026-06-01T12:00", "2026-06-01T14:00", by=CAT)
    after = [uid(each) for each in entries(replace(PLAN, overrides=(cover,)))]
    assert set(before) < set(after)
    assert len(after) == len(set(after)) == len(before) + 2
    assert [uid(each) for each in entries(PLAN, 7)][:6] == before


def test_the_same_shifts_give_the_same_bytes():
    assert rendered("x", entries(PLAN), DAY) == rendered("x", entries(PLAN), DAY)
