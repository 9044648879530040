"""Rules that inhibit each other: each would hold back what holds the other back, and nobody is notified.

Whether some alert could be a target of one rule and a source of another cannot always be told: matchers
may look at different labels, and any two expressions may agree somewhere. A rule is said to *feed*
another only where it is plain: its targets and the other's sources ask about a label in common, and
there are values that satisfy both. (What slips through holds nothing: two alerts that would hold each
other are both let go.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from tocsin.routing.inhibition import InhibitionRule
from tocsin.routing.matchers import Matcher


def circle_through(
    rule: InhibitionRule, others: Iterable[InhibitionRule]
) -> list[InhibitionRule] | None:
    """A shortest circle that `rule` is part of, from it back to it; None if there is none."""
    if _same(rule.source_matchers, rule.target_matchers):
        return [rule]
    others = [each for each in others if each.id != rule.id]
    came_from: dict[UUID, InhibitionRule] = {}
    front = [rule]
    while front:
        reached: list[InhibitionRule] = []
        for one in front:
            if one is not rule and feeds(one, rule):
                return _path(one, came_from, rule)
            for other in others:
                if other.id not in came_from and feeds(one, other):
                    came_from[other.id] = one
                    reached.append(other)
        front = reached
    return None


def _path(
    last: InhibitionRule, came_from: dict[UUID, InhibitionRule], first: InhibitionRule
) -> list[InhibitionRule]:
    path = [last]
    while path[-1] is not first:
        path.append(came_from[path[-1].id])
    return path[::-1]


def feeds(one: InhibitionRule, other: InhibitionRule) -> bool:
    """Whether what `one` holds back plainly holds back others by `other`."""
    targets, sources = _by_label(one.target_matchers), _by_label(other.source_matchers)
    shared = targets.keys() & sources.keys()
    return bool(shared) and all(_agree(targets[label], sources[label]) for label in shared)


def _by_label(matchers: Iterable[Matcher]) -> dict[str, list[Matcher]]:
    found: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        found.setdefault(matcher.label, []).append(matcher)
    return found


def _agree(some: Sequence[Matcher], others: Sequence[Matcher]) -> bool:
    """Whether a value that one of them names satisfies all, or they ask for the same."""
    if _same(some, others):
        return True
    every = (*some, *others)
    named = {value for each in every for value in each.condition.accepted or (each.value,)}
    return any(value and all(each.condition.accepts(value) for each in every) for value in named)


def _same(some: Sequence[Matcher], others: Sequence[Matcher]) -> bool:
    return {(each.label, each.op, each.value) for each in some} == {
        (each.label, each.op, each.value) for each in others
    }
