from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.delivery.dispatch.backoff import ALERTS, TESTS, bounded, delay

DAY = 86_400.0
dice = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 10_000), dice, st.none() | st.floats(), st.floats(-10, DAY))
def test_a_delay_is_within_its_bounds(
    attempt: int, dice: float, retry_after: float | None, seconds_left: float
) -> None:
    wait = delay(ALERTS, attempt, dice=dice, retry_after=retry_after, seconds_left=seconds_left)
    if wait is not None:
        assert 1.0 <= wait <= 3600.0
        assert wait < seconds_left
        if retry_after is not None and 1.0 <= retry_after <= 3600.0:
            assert wait >= retry_after


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 5), (2, 10), (3, 20), (8, 640), (11, 3600), (500, 3600)]
)
def test_the_jitter_is_full_and_its_bound_doubles(attempt: int, longest: float) -> None:
    def wait(dice: float) -> float | None:
        return delay(ALERTS, attempt, dice=dice, retry_after=None, seconds_left=DAY)

    assert wait(0.0) == 1.0
    assert wait(0.5) == max(1.0, longest / 2)
    assert wait(math.nextafter(1.0, 0.0)) == pytest.approx(longest)


def test_a_day_is_enough_for_dozens_of_attempts() -> None:
    left, attempt = DAY, 1
    while (
        wait := delay(ALERTS, attempt, dice=0.999, retry_after=None, seconds_left=left)
    ) is not None:
        left -= wait
        attempt += 1
    assert 25 <= attempt <= 40
    assert left < 3600


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (0.0, 1.0),
        (-5.0, 1.0),
        (math.nan, 1.0),
        (30.0, 30.0),
        (7200.0, 3600.0),
        (math.inf, 3600.0),
    ],
)
def test_what_a_service_asks_for_is_obeyed_within_limits(asked: float, given: float) -> None:
    assert bounded(asked) == given


def test_three_tests_within_a_minute() -> None:
    elapsed = 0.0
    for attempt in (1, 2):
        elapsed += 15.0
        wait = delay(TESTS, attempt, dice=0.999, retry_after=None, seconds_left=60 - elapsed)
        assert wait is not None
        elapsed += wait
    assert elapsed + 15.0 <= 60
    assert delay(TESTS, 3, dice=0.0, retry_after=None, seconds_left=30.0) is None


def test_a_test_gives_up_rather_than_wait_longer_than_its_minute() -> None:
    assert delay(TESTS, 1, dice=0.0, retry_after=55.0, seconds_left=50.0) is None
