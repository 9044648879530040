"""What is a storm, and when its digests go."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.routing.builders import NOW
from tocsin.model import Severity
from tocsin.routing.group import Decision, End, GroupFacts, GroupState, Rest, Send, SendAt
from tocsin.routing.storm import INTERVAL, begins, budget, decide_storm, storm_id, told_after

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("waiting", "per_second", "per_hour", "spent", "storm"),
    [
        (10, 1.0, 90, 0, False),  # over in ten seconds
        (11, 1.0, 90, 3, True),
        (4, 1.0, 90, 55, False),
        (6, 1.0, 90, 55, True),  # the hour would not be enough
        (1, 1.0, 90, 60, True),  # what is left of the hour is for digests
        (100, 10.0, None, 0, False),
        (101, 10.0, None, 0, True),
        (10_000, None, None, 0, False),  # no rate, no storm
    ],
)
def test_what_waits_for_longer_than_a_moment_is_a_storm(
    waiting: int, per_second: float | None, per_hour: int | None, spent: int, storm: bool
) -> None:
    assert begins(waiting, per_second, per_hour, spent) is storm


def decided(seconds: float, gathered: int = 0, **changes: object) -> Decision:
    facts = GroupFacts(**({"waiting": 0} | changes))  # type: ignore[arg-type]
    state = GroupState(NOW, Severity.HIGH)
    return decide_storm(state, facts, gathered, budget(1.0, 90), NOW + seconds * SECOND)


def test_the_first_digest_goes_at_once_and_then_one_in_five_minutes() -> None:
    first = decide_storm(GroupState(), GroupFacts(waiting=1), 1, 7.5, NOW)
    assert first == Send(True)
    assert decided(1, 100, waiting=100, worst=Severity.HIGH) == SendAt(NOW + INTERVAL)
    assert decided(300, 100, waiting=100, worst=Severity.HIGH) == Send(False)


def test_what_is_worse_than_the_storm_had_goes_at_once() -> None:
    assert decided(1, 1, waiting=1, worst=Severity.CRITICAL) == Send(False)


@pytest.mark.parametrize(
    ("told", "said", "then"),
    [
        (None, None, None),
        (None, "LOW", "LOW"),
        ("LOW", "HIGH", "HIGH"),
        ("HIGH", "LOW", "HIGH"),
        ("HIGH", None, "HIGH"),
        ("LOW", "CRITICAL", "CRITICAL"),
        # The next CRITICAL does not wait for five minutes.
        ("CRITICAL", "LOW", "HIGH"),
        ("CRITICAL", None, "HIGH"),
        ("CRITICAL", "CRITICAL", "CRITICAL"),
    ],
)
def test_what_has_to_be_exceeded(told: str | None, said: str | None, then: str | None) -> None:
    def named(name: str | None) -> Severity | None:
        return None if name is None else Severity(name)

    assert told_after(named(told), named(said)) is named(then)


def test_one_of_which_all_was_withdrawn_before_a_digest_ends() -> None:
    assert decide_storm(GroupState(), GroupFacts(), 5, 7.5, NOW) == Rest(NOW + INTERVAL, None)
    assert decide_storm(GroupState(), GroupFacts(), 0, 7.5, NOW) == End()


def test_it_ends_when_less_than_half_has_come_for_five_minutes() -> None:
    assert decided(300, 3) == End()
    assert decided(300, 4) == Rest(NOW + 2 * INTERVAL, None)
    assert decided(299, 0) == SendAt(NOW + INTERVAL)


def test_tenants_and_destinations_have_storms_of_their_own() -> None:
    ids = {storm_id(UUID(int=one), UUID(int=two)) for one in (1, 2) for two in (1, 2)}
    assert len(ids) == 4
