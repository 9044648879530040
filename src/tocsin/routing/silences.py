"""Silences, and how the one that holds an alert is found among a thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.model import Severity
from tocsin.routing.judge import Judge
from tocsin.routing.matchers import Conjunction, Matcher
from tocsin.routing.subject import Subject
from tocsin.routing.wanted_values import WantedValues


@dataclass(frozen=True, slots=True)
class Silence:
    """Holds what all its matchers match from `starts_at` until just before `ends_at`, except for
    alerts at least as bad as `breakthrough_severity`."""

    id: UUID
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    breakthrough_severity: Severity | None = None
    is_usable: bool = field(init=False, compare=False, repr=False)
    """One without matchers, or with one that could not be compiled, holds nothing: in doubt, alert."""
    asked: Conjunction = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        usable = bool(self.matchers) and all(each.fault is None for each in self.matchers)
        object.__setattr__(self, "is_usable", usable)
        object.__setattr__(self, "asked", Conjunction.of(self.matchers))

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Silence:
        """From a row of `silences`; column names are the keys."""
        least = row["breakthrough_severity"]
        return cls(
            id=row["id"],
            matchers=tuple(Matcher.from_document(matcher) for matcher in row["matchers"]),
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            author=row["author"],
            comment=row["comment"],
            breakthrough_severity=None if least is None else Severity(least),
        )

    def is_active(self, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at

    def covers(self, subject: Subject, judge: Judge) -> bool:
        """Whether it holds this alert while it is active."""
        least = self.breakthrough_severity
        if least is not None and subject.severity.at_least(least):
            return False
        return self.is_usable and judge.all_match(self.asked, subject)


class SilenceIndex:
    """The silences of one workspace, by what they ask for."""

    def __init__(self, silences: Sequence[Silence]) -> None:
        self._wanted = WantedValues(silences, lambda silence: silence.asked)

    def longest(self, subject: Subject, now: datetime, judge: Judge) -> Silence | None:
        """The silence that holds this alert now; of several, the one that lasts longest."""
        found: Silence | None = None
        for silence in self._wanted.candidates(subject):
            if (
                silence.is_active(now)
                and (found is None or (silence.ends_at, silence.id) > (found.ends_at, found.id))
                and silence.covers(subject, judge)
            ):
                found = silence
        return found
