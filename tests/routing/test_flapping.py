"""The penalty of what keeps coming and going, against a plain model and numbers worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.routing.flapping import (
    FlappingNumbers,
    Flaps,
    changed,
    digested,
    due_at,
    first,
    forgotten_at,
    penalty_at,
    settled,
    settles_at,
)

START = datetime(2026, 5, 13, 12, 0, tzinfo=UTC)
NUMBERS = FlappingNumbers()
MINUTE = timedelta(minutes=1)


def after(minutes: float) -> datetime:
    return START + minutes * MINUTE


def changes_every(minutes: float, count: int) -> list[Flaps]:
    made = [first(START)]
    for number in range(1, count):
        made.append(changed(made[-1], NUMBERS, 1.0, after(number * minutes)))
    return made


def test_every_two_minutes_it_flaps_at_the_fourth_change() -> None:
    made = changes_every(2, 11)
    assert [round(each.penalty, 2) for each in made[:4]] == [1, 1.91, 2.74, 3.5]
    assert [each.is_flapping for each in made[:5]] == [False, False, False, True, True]
    fourth = made[3]
    assert (fourth.since, fourth.changes, fourth.first_at) == (after(6), 4, START)
    assert fourth.digest_at == after(36)
    last = made[10]
    assert last.changed_at == after(20)
    assert last.penalty == pytest.approx(7.23, abs=0.01)
    assert settles_at(last, NUMBERS) - last.changed_at == pytest.approx(43 * MINUTE, abs=MINUTE)
    assert penalty_at(last, NUMBERS, settles_at(last, NUMBERS)) == pytest.approx(1)


def test_from_a_penalty_of_seven_it_takes_three_quarters_of_an_hour() -> None:
    flaps = Flaps(7.2, START, after(-20), 11, after(-14), after(16))
    assert settles_at(flaps, NUMBERS) - START == pytest.approx(
        timedelta(minutes=42.7), abs=MINUTE / 5
    )
    assert due_at(flaps, NUMBERS) == after(16)


@pytest.mark.parametrize(
    ("minutes", "limit", "flaps_at"),
    [(5, 4.85, 5), (10, 2.7, None), (60, 1.07, None)],
)
def test_what_changes_more_seldom(minutes: float, limit: float, flaps_at: int | None) -> None:
    made = changes_every(minutes, 60)
    assert max(each.penalty for each in made) == pytest.approx(limit, abs=0.01)
    began = [number for number, each in enumerate(made, start=1) if each.is_flapping]
    assert (began[0] if began else None) == flaps_at


def test_it_has_not_settled_before_ten_quiet_minutes() -> None:
    flaps = Flaps(1.1, START, after(-9), 5, after(-5), after(25))
    assert settles_at(flaps, NUMBERS) == after(10)


def test_after_four_hours_it_is_said_anew() -> None:
    flaps = Flaps(9.0, START, after(-300), 90, after(-239), after(1))
    assert settles_at(flaps, NUMBERS) == after(1)
    over = settled(flaps)
    assert not over.is_flapping
    again = changed(over, NUMBERS, 1.0, after(2))
    assert again.since == after(2)


def test_digests_keep_their_pace_and_what_was_missed_is_not_said() -> None:
    flaps = Flaps(5, START, START, 6, START, after(30))
    assert digested(flaps, NUMBERS, after(30)).digest_at == after(60)
    assert digested(flaps, NUMBERS, after(95)).digest_at == after(120)


def test_what_is_long_past_is_not_counted() -> None:
    old = changes_every(2, 3)[-1]
    later = changed(old, NUMBERS, 1.0, forgotten_at(old, NUMBERS) + MINUTE)
    assert (later.changes, later.first_at) == (1, later.changed_at)
    sooner = changed(old, NUMBERS, 1.0, forgotten_at(old, NUMBERS) - MINUTE)
    assert (sooner.changes, sooner.first_at) == (4, START)


def test_a_clock_that_is_behind_changes_no_order() -> None:
    flaps = changed(first(START), NUMBERS, 1.0, after(-30))
    assert flaps.changed_at == START
    assert flaps.penalty == 2


steps = st.lists(
    st.tuples(st.floats(0, 400, allow_nan=False), st.sampled_from([1.0, 0.5])), max_size=40
)
numbers = st.builds(
    FlappingNumbers,
    half_life_minutes=st.sampled_from([1, 15, 60]),
    start=st.sampled_from([2, 3, 5]),
    stop=st.sampled_from([0.5, 1, 1.5]),
    quiet_minutes=st.sampled_from([1, 10]),
    longest_minutes=st.sampled_from([30, 240]),
)


@given(steps=steps, numbers=numbers)
def test_the_penalty_is_the_sum_of_what_is_left_of_every_change(
    steps: list[tuple[float, float]], numbers: FlappingNumbers
) -> None:
    history: list[tuple[float, float]] = [(0.0, 1.0)]
    flaps, at = first(START), 0.0
    spell: float | None = None
    for pause, weight in steps:
        at += pause
        if spell is not None and after(at) >= settles_at(flaps, numbers):
            flaps, spell = settled(flaps), None
        flaps = changed(flaps, numbers, weight, after(at))
        history.append((at, weight))
        left = sum(w * 2 ** (-(at - then) / numbers.half_life_minutes) for then, w in history)
        # What is long past is left out.
        assert flaps.penalty == pytest.approx(left, abs=1e-6)
        if spell is None and flaps.penalty >= numbers.start:
            spell = at
        assert flaps.is_flapping == (spell is not None)
        if spell is not None:
            assert flaps.since is not None
            assert abs(flaps.since - after(spell)) < MINUTE / 1000
            settles = settles_at(flaps, numbers)
            longest = flaps.since + timedelta(minutes=numbers.longest_minutes)
            assert settles <= longest
            if settles < longest:
                assert penalty_at(flaps, numbers, settles) <= numbers.stop + 1e-6
                assert settles - flaps.changed_at >= timedelta(minutes=numbers.quiet_minutes)
