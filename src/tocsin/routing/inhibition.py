"""Inhibition: while one alert is live, others that depend on it are held.

A rule says which alerts are its *sources*, which its *targets*, and which labels of both must be equal.
All alerts of one tenant that agree in those labels share a *key* of the rule: a target is held while any
source of its key is live. So whoever plans only has to know which keys an alert has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.model import Severity, iso
from tocsin.routing.judge import Judge
from tocsin.routing.matchers import Conjunction, Matcher, read_label
from tocsin.routing.subject import InhibitionWait, Subject
from tocsin.routing.wanted_values import WantedValues


@dataclass(frozen=True, slots=True)
class InhibitionRule:
    """`equal`: labels that a source and a target must both have, with the same value. `defined_at` is
    when its sources and targets were last redefined."""

    id: UUID
    name: str
    source_matchers: tuple[Matcher, ...]
    target_matchers: tuple[Matcher, ...]
    equal: tuple[str, ...]
    delay: timedelta
    grace: timedelta
    defined_at: datetime
    is_usable: bool = field(init=False, compare=False, repr=False)
    """One that asks for nothing, or with a matcher that could not be compiled, holds nothing: in doubt,
    alert."""
    source_asked: Conjunction = field(init=False, compare=False, repr=False)
    target_asked: Conjunction = field(init=False, compare=False, repr=False)
    _name: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        every = (*self.source_matchers, *self.target_matchers)
        usable = bool(self.source_matchers) and bool(self.target_matchers)
        object.__setattr__(self, "is_usable", usable and all(each.fault is None for each in every))
        object.__setattr__(self, "source_asked", Conjunction.of(self.source_matchers))
        object.__setattr__(self, "target_asked", Conjunction.of(self.target_matchers))
        object.__setattr__(self, "_name", self.id.bytes + iso(self.defined_at).encode())

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> InhibitionRule:
        """From a row of `inhibition_rules`; column names are the keys."""
        return cls(
            id=row["id"],
            name=row["name"],
            source_matchers=_matchers(row["source_matchers"]),
            target_matchers=_matchers(row["target_matchers"]),
            equal=tuple(row["equal"]),
            delay=timedelta(seconds=row["delay_seconds"]),
            grace=timedelta(seconds=row["grace_seconds"]),
            defined_at=row["defined_at"],
        )

    def key(self, subject: Subject) -> UUID | None:
        """What the alert shares with those that it may hold, or be held by; None if it lacks a label
        that must be equal. 128 bits of a SHA-256: another rule, another definition of it, another tenant
        or another value give another."""
        hashed = hashlib.sha256(self._name + subject.tenant_id.bytes)
        for label in self.equal:
            value = read_label(subject, label)
            if not value:
                return None
            encoded = value.encode("utf-8", "surrogatepass")
            hashed.update(len(encoded).to_bytes(4) + encoded)
        return UUID(bytes=hashed.digest()[:16])

    def has_source(self, subject: Subject, judge: Judge) -> bool:
        return self.is_usable and judge.all_match(self.source_asked, subject)

    def has_target(self, subject: Subject, judge: Judge) -> bool:
        return self.is_usable and judge.all_match(self.target_asked, subject)


def _matchers(documents: Iterable[Mapping[str, Any]]) -> tuple[Matcher, ...]:
    return tuple(Matcher.from_document(document) for document in documents)


@dataclass(frozen=True, slots=True)
class InhibitionKeys:
    """Where an alert stands: the rules that it is a source of, and a target of, by their keys."""

    as_source: Mapping[UUID, InhibitionRule] = field(default_factory=dict)
    as_target: Mapping[UUID, InhibitionRule] = field(default_factory=dict)

    def waits(self, severity: Severity, created_at: datetime) -> tuple[InhibitionWait, ...]:
        """How long its trigger waits for a source that comes after it, or that was there before the rule
        was: CRITICAL never does."""
        if severity is Severity.CRITICAL:
            return ()
        return tuple(
            InhibitionWait(rule.id, rule.name, max(created_at, rule.defined_at) + rule.delay)
            for rule in self.as_target.values()
        )


NO_KEYS = InhibitionKeys()


class InhibitionIndex:
    """The inhibition rules of one workspace, by what they ask for."""

    __slots__ = ("_sources", "_targets", "by_id", "rules")

    def __init__(self, rules: Sequence[InhibitionRule]) -> None:
        self.rules = tuple(rules)
        self.by_id = {rule.id: rule for rule in rules}
        self._sources = WantedValues(rules, lambda rule: rule.source_asked)
        self._targets = WantedValues(rules, lambda rule: rule.target_asked)

    def keys_of(self, subject: Subject, judge: Judge) -> InhibitionKeys:
        """Where a live alert stands."""
        as_source = {
            key: rule
            for rule in self._sources.candidates(subject)
            if rule.has_source(subject, judge) and (key := rule.key(subject)) is not None
        }
        as_target = {
            key: rule
            for rule in self._targets.candidates(subject)
            if rule.has_target(subject, judge) and (key := rule.key(subject)) is not None
        }
        return InhibitionKeys(as_source, as_target) if as_source or as_target else NO_KEYS
