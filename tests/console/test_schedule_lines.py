"""Turns and hours as a person types them, read and written back."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin.console.on_call.schedule_lines import read_hours, read_turns, write_hours, write_turns

PEOPLE = [
    ("1", "Ana", "ana@example.com"),
    ("2", "Ben", "ben@example.com"),
    ("3", "Ben", "ben.b@example.com"),
]


def test_turns_are_read_in_order_and_written_back() -> None:
    text = "ana\nAna + ben@example.com\n\nnobody"
    turns, fault = read_turns(text, PEOPLE)
    assert (turns, fault) == ([["1"], ["1", "2"], None], None)
    # A name that two have is written as the address.
    assert write_turns(turns, PEOPLE) == "Ana\nAna + ben@example.com\nnobody"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Cleo", "“Cleo” is nobody of this workspace."),
        ("ben", "Several people are called ben; write the address instead."),
        ("Ana + ", "“” is nobody of this workspace."),
    ],
)
def test_who_is_not_known_is_said(text: str, words: str) -> None:
    assert read_turns(text, PEOPLE)[1] == words


@pytest.mark.parametrize(
    ("text", "window", "written"),
    [
        (
            "mon-fri 9:00-17:00",
            {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "09:00", "end": "17:00"},
            "mon-fri 09:00-17:00",
        ),
        (
            "Fri 17:00 - Mon 09:00",
            {"days": ["fri"], "start": "17:00", "end": "09:00", "end_day": "mon"},
            "fri 17:00-mon 09:00",
        ),
        (
            "sat,sun 00:00 to 00:00",
            {"days": ["sat", "sun"], "start": "00:00", "end": "00:00"},
            "sat,sun 00:00-00:00",
        ),
        (
            "sat-mon 22:00-06:00",
            {"days": ["sat", "sun", "mon"], "start": "22:00", "end": "06:00"},
            "mon,sat,sun 22:00-06:00",
        ),
        (
            "daily 08:00-20:00",
            {
                "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
                "start": "08:00",
                "end": "20:00",
            },
            "daily 08:00-20:00",
        ),
    ],
)
def test_hours_are_read_and_written(text: str, window: dict[str, Any], written: str) -> None:
    found, fault = read_hours(text)
    assert (found, fault) == ([window], None)
    assert write_hours(found) == written
    assert read_hours(written)[1] is None


def test_hours_have_a_zone_where_they_take_one() -> None:
    found, fault = read_hours("mon 09:00-17:00 Europe/Vienna\ntue 09:00-17:00", "UTC")
    assert fault is None
    assert [each["timezone"] for each in found] == ["Europe/Vienna", "UTC"]
    assert write_hours(found).splitlines()[0] == "mon 09:00-17:00 Europe/Vienna"
    assert read_hours("mon 09:00-17:00 Europe/Vienna")[1] is not None


@pytest.mark.parametrize("text", ["noon", "mon", "mon 9-17", "xyz 09:00-17:00"])
def test_what_is_no_time_is_said(text: str) -> None:
    assert read_hours(text)[1] == f"“{text}” is no time; write for instance mon-fri 09:00-17:00."
