"""The noise coach: which rule notifies of what is over before anybody could act, and what would help.

Pure. What it offers is a wait: what is over before its message is not notified of at all. CRITICAL never
waits, and so does not count as what a wait would spare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

LEAST_NOTIFIED = 10
"""Of fewer nothing can be said."""
_WORTH_IT = 0.5
_WAITS = ((1, 2), (3, 4), (5, 6), (10, 12))
"""So many minutes after which they are over, and the wait that spares them."""
_GATHERED_BY = ("source", "title")


@dataclass(frozen=True, slots=True)
class RuleTally:
    """Of how many alerts a rule notified, and how many of those were over within so many minutes and not
    CRITICAL."""

    rule_id: UUID
    name: str
    count: int
    over_within: Mapping[int, int]
    group_by: Sequence[str] | None
    group_wait_seconds: int


@dataclass(frozen=True, slots=True)
class Advice:
    """`change` is what the rule is to be changed by, `undo` what brings it back."""

    rule_id: UUID
    name: str
    notified: int
    spared: int
    within_minutes: int
    wait_minutes: int
    change: Mapping[str, Any]
    undo: Mapping[str, Any]


def advise(rules: Sequence[RuleTally]) -> list[Advice]:
    """The shortest wait that spares at least half of what each rule notified of; those that spare most
    first."""
    found = [advice for rule in rules if (advice := _advise(rule)) is not None]
    return sorted(found, key=lambda each: (-each.spared, each.name))


def _advise(rule: RuleTally) -> Advice | None:
    if rule.count < LEAST_NOTIFIED:
        return None
    for within, wait in _WAITS:
        spared = rule.over_within.get(within, 0)
        if spared < _WORTH_IT * rule.count:
            continue
        if rule.group_by is not None and rule.group_wait_seconds >= 60 * wait:
            return None
        before = None if rule.group_by is None else list(rule.group_by)
        return Advice(
            rule_id=rule.rule_id,
            name=rule.name,
            notified=rule.count,
            spared=spared,
            within_minutes=within,
            wait_minutes=wait,
            change={
                "group_by": list(_GATHERED_BY) if before is None else before,
                "group_wait_seconds": 60 * wait,
            },
            undo={"group_by": before, "group_wait_seconds": rule.group_wait_seconds},
        )
    return None
