from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tocsin.heartbeats.watch import LeaderWatch

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clocks:
    """Looks of one leader. `passes` is time that both clocks see, `put` moves that of the wall alone."""

    def __init__(self) -> None:
        self.watch, self.now, self.steady = LeaderWatch(), NOON, 1_000.0
        self.look()

    def look(self) -> bool:
        return self.watch.look(self.now, self.steady)

    def passes(self, seconds: float) -> Clocks:
        self.now += timedelta(seconds=seconds)
        self.steady += seconds
        return self

    def put(self, seconds: float) -> Clocks:
        self.now += timedelta(seconds=seconds)
        return self


def test_looks_that_follow_each_other_miss_nothing() -> None:
    clocks = Clocks()
    assert not any(clocks.passes(seconds).look() for seconds in (1, 0.05, 1, 59, 60))


def test_a_long_time_between_two_looks() -> None:
    assert Clocks().passes(61).look()


def test_a_clock_that_is_put_forward_or_a_machine_that_slept() -> None:
    clocks = Clocks()
    assert clocks.passes(1).put(6).look()
    assert not clocks.passes(1).look()
    assert clocks.passes(1).put(3_600).look()


def test_a_little_further_does_no_harm_and_much_of_it_does() -> None:
    clocks = Clocks()
    assert not clocks.passes(1).put(4).look()
    assert clocks.passes(1).put(4).look()


def test_a_clock_that_is_put_back_misses_nothing_and_one_that_comes_back_does() -> None:
    """What pinged in between is expected by a clock that was behind."""
    clocks = Clocks()
    assert not clocks.passes(1).put(-30).look()
    assert not clocks.passes(1).look()
    assert clocks.passes(1).put(30).look()
