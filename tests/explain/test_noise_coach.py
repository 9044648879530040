"""What the noise coach offers, and when it offers nothing."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.explain.noise_coach import RuleTally, advise
from tocsin.model import uuid7


def notified(
    count: int = 41, group_by: Sequence[str] | None = None, wait: int = 30, **over: int
) -> RuleTally:
    within = {1: 0, 3: 0, 5: 0, 10: 0} | {int(name[1:]): many for name, many in over.items()}
    return RuleTally(uuid7(), "disks", count, within, group_by, wait)


def test_the_shortest_wait_that_is_worth_it() -> None:
    (advice,) = advise([notified(_1=5, _3=39, _5=40, _10=41)])
    assert (advice.notified, advice.spared) == (41, 39)
    assert (advice.within_minutes, advice.wait_minutes) == (3, 4)
    assert advice.change == {"group_by": ["source", "title"], "group_wait_seconds": 240}
    assert advice.undo == {"group_by": None, "group_wait_seconds": 30}


def test_a_rule_that_gathers_keeps_what_it_gathers_by() -> None:
    (advice,) = advise([notified(_1=41, group_by=["host"])])
    assert advice.change == {"group_by": ["host"], "group_wait_seconds": 120}
    assert advice.undo == {"group_by": ["host"], "group_wait_seconds": 30}


def test_nothing_is_offered_where_it_waits_already_or_little_is_spared_or_known() -> None:
    assert advise([notified(_3=39, group_by=[], wait=240)]) == []
    assert advise([notified(_10=20)]) == [], "less than half"
    assert advise([notified(count=9, _1=9)]) == [], "too few to say"


def test_what_spares_most_comes_first() -> None:
    found = advise([notified(count=12, _1=12), notified(count=50, _1=49)])
    assert [each.spared for each in found] == [49, 12]
