"""Bound heartbeats: which signals of an integration are their pings, and no alerts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tocsin.routing.rules import Matcher
from tocsin.routing.subject import Subject


@dataclass(frozen=True, slots=True)
class Binding:
    """One heartbeat that is bound to an integration. Each distinct set of the values of `labels` is a
    heartbeat by itself; without labels it is the one."""

    heartbeat_id: UUID
    matchers: tuple[Matcher, ...]
    labels: tuple[str, ...]

    @classmethod
    def from_row(cls, row: Any) -> Binding:
        matchers = tuple(Matcher.from_document(each) for each in row.bound_matchers or ())
        return cls(row.id, matchers, tuple(row.bound_labels))

    def claims(self, subject: Subject) -> bool:
        """Whether what would be this alert is a ping. In doubt it is an alert: matchers that cannot be
        read claim nothing."""
        return bool(self.matchers) and all(
            matcher.fault is None and matcher.matches(subject) for matcher in self.matchers
        )

    def values(self, subject: Subject) -> tuple[str, ...]:
        """Of its labels; empty where the alert has no such label."""
        return tuple(subject.labels.get(label, "") for label in self.labels)


def binding_of(bindings: Sequence[Binding], subject: Subject) -> Binding | None:
    """The first that claims it."""
    return next((each for each in bindings if each.claims(subject)), None)
