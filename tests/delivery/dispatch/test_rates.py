from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from tests.support.outbox import NOON
from tocsin.delivery.channels.base import Rate
from tocsin.delivery.dispatch.rates import Bucket, refill

KEY = uuid4()
rates = st.builds(
    Rate,
    per_second=st.none() | st.floats(0.1, 50),
    burst=st.integers(1, 20),
    per_hour=st.none() | st.integers(1, 120),
)


def at(bucket: Bucket, seconds: float) -> Bucket:
    """The bucket as another node finds it so much later."""
    return refill(
        bucket.key,
        bucket.rate,
        bucket.tokens,
        bucket.at,
        list(bucket.spent_at),
        bucket.at + timedelta(seconds=seconds),
    )


def full(rate: Rate) -> Bucket:
    return refill(KEY, rate, float(rate.burst), NOON, [], NOON)


@given(rates, st.lists(st.floats(0, 400), min_size=1, max_size=60))
def test_a_greedy_sender_stays_within_both_limits(rate: Rate, pauses: list[float]) -> None:
    bucket = full(rate)
    sent: list[datetime] = []
    for pause in pauses:
        bucket = at(bucket, pause)
        room = bucket.room
        bucket = bucket.spend(room)
        sent += [bucket.at] * room
    for first, time in enumerate(sent):
        if rate.per_hour is not None:
            hour = [each for each in sent[first:] if each < time + timedelta(hours=1)]
            assert len(hour) <= rate.per_hour
        if rate.per_second is not None:
            for last in range(first, len(sent)):
                span = (sent[last] - time).total_seconds()
                assert last - first + 1 <= rate.burst + span * rate.per_second + 1e-3


@given(rates, st.integers(1, 200))
def test_after_the_wait_it_says_one_more_may_go(rate: Rate, times: int) -> None:
    bucket = full(rate)
    for _ in range(times):
        if bucket.room:
            assert bucket.wait == 0
            bucket = bucket.spend(bucket.room)
        else:
            wait = bucket.wait
            assert wait > 0
            # Not sooner, but then. (Times are kept in microseconds.)
            assert at(bucket, wait * 0.99 - 1e-5).room == 0 or wait < 1e-3
            bucket = at(bucket, wait + 1e-5)
            assert bucket.room >= 1


def test_teams() -> None:
    """One a second, three at once, ninety an hour."""
    bucket = full(Rate(per_second=1.0, burst=3, per_hour=90, concurrency=1))
    assert bucket.room == 3
    bucket = bucket.spend(3)
    assert (bucket.room, bucket.wait) == (0, 1.0)
    sent = 3
    while sent < 90:
        bucket = at(bucket, 1.0)
        bucket = bucket.spend(1)
        sent += 1
    bucket = at(bucket, 10.0)
    assert bucket.room == 0
    # The first three went 97 seconds ago.
    assert bucket.wait == 3600 - 97


def test_a_clock_that_goes_back_neither_gives_nor_takes() -> None:
    bucket = full(Rate(per_second=1.0, burst=5)).spend(4)
    assert at(bucket, -100.0).tokens == bucket.tokens
