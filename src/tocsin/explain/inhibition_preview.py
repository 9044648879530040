"""What an inhibition rule would have held back of past alerts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from uuid import UUID

from tocsin.explain.load import subject_of
from tocsin.explain.preview import MOST_WORK
from tocsin.model import Severity
from tocsin.routing.inhibition import InhibitionRule
from tocsin.routing.judge import Judge
from tocsin.store.queries.alerts import PastAlert
from tocsin.turns import aside

Interval = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class _Placed:
    """An alert, by what it is of the rule."""

    alert: PastAlert
    key: UUID
    is_source: bool
    is_target: bool


@dataclass(slots=True)
class InhibitionOutcome:
    """`held`, newest first, would have been held by any of the alerts that are `sources`."""

    considered: int = 0
    sources: int = 0
    held: Sequence[PastAlert] = field(default_factory=list)


async def try_inhibition(
    rule: InhibitionRule, alerts: Sequence[PastAlert], now: datetime
) -> InhibitionOutcome:
    """What it would have done to these, as far as `MOST_WORK` reaches. What is not over lasts to
    `now`."""
    outcome, placed = InhibitionOutcome(), list[_Placed]()
    await aside(_place_all(rule, alerts, outcome, placed))
    outcome.sources = sum(each.is_source for each in placed)
    outcome.held = _held(rule, placed, now)
    return outcome


def _place_all(
    rule: InhibitionRule,
    alerts: Sequence[PastAlert],
    outcome: InhibitionOutcome,
    placed: list[_Placed],
) -> Iterator[None]:
    judge = Judge(MOST_WORK)
    for alert in alerts:
        subject = subject_of(alert, alert.source_type)
        is_source, is_target = rule.has_source(subject, judge), rule.has_target(subject, judge)
        if judge.is_overdrawn:
            return
        outcome.considered += 1
        key = rule.key(subject)
        if key is not None and (is_source or is_target):
            placed.append(_Placed(alert, key, is_source, is_target))
        yield


def _held(rule: InhibitionRule, placed: Sequence[_Placed], now: datetime) -> list[PastAlert]:
    """Two that would hold each other hold neither: what is both is held by what is a source alone."""
    by_key: dict[UUID, tuple[list[Interval], list[Interval]]] = {}
    for each in placed:
        if each.is_source:
            every, alone = by_key.setdefault(each.key, ([], []))
            lasted = each.alert.triggered_at, _end(each.alert, now) + rule.grace
            every.append(lasted)
            if not each.is_target:
                alone.append(lasted)
    holding = {key: (_Holding(every), _Holding(alone)) for key, (every, alone) in by_key.items()}
    held = []
    for each in placed:
        if each.is_target and each.key in holding:
            of_every, of_alone = holding[each.key]
            delay = timedelta() if each.alert.severity is Severity.CRITICAL else rule.delay
            if (of_alone if each.is_source else of_every).holds(each.alert.triggered_at, delay):
                held.append(each.alert)
    return held


class _Holding:
    """When sources of one key were live."""

    def __init__(self, lasted: list[Interval]) -> None:
        lasted.sort()
        self._starts = [start for start, _ in lasted]
        self._latest_ends = list(accumulate((end for _, end in lasted), max))

    def holds(self, at: datetime, delay: timedelta) -> bool:
        begun = bisect_right(self._starts, at + delay)
        return begun > 0 and self._latest_ends[begun - 1] > at


def _end(alert: PastAlert, now: datetime) -> datetime:
    return min(
        (end for end in (alert.resolved_at, alert.closed_at) if end is not None), default=now
    )
