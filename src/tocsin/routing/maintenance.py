"""Maintenance windows: what is held while something is worked on, once or again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.model import OnEnd, Severity
from tocsin.routing.judge import Judge
from tocsin.routing.matchers import Conjunction, Matcher
from tocsin.routing.recurrence import Occurrence, Recurrence
from tocsin.routing.subject import Subject
from tocsin.routing.wanted_values import WantedValues


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """Holds what all its matchers match, of the tenants it is for, while an occurrence of it lasts, but
    for alerts at least as bad as `breakthrough_severity`."""

    id: UUID
    name: str
    comment: str
    matchers: tuple[Matcher, ...]
    recurrence: Recurrence
    tenant_ids: frozenset[UUID] | None = None
    """None: all."""
    ended_at: datetime | None = None
    """What had begun by then is over: somebody ended it early."""
    breakthrough_severity: Severity | None = None
    on_end: OnEnd = OnEnd.NOTIFY_OPEN
    is_usable: bool = field(init=False, compare=False, repr=False)
    """One that asks for nothing, or with a matcher that could not be compiled, holds nothing: in doubt,
    alert."""
    asked: Conjunction = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        asks = bool(self.matchers) or self.tenant_ids is not None
        usable = asks and all(each.fault is None for each in self.matchers)
        object.__setattr__(self, "is_usable", usable)
        object.__setattr__(self, "asked", Conjunction.of(self.matchers))

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> MaintenanceWindow:
        """From a row of `maintenance_windows`; column names are the keys. A zone or a rule that this
        version does not know is a ValueError: migrations keep it from happening."""
        least, tenants = row["breakthrough_severity"], row["tenant_ids"]
        return cls(
            id=row["id"],
            name=row["name"],
            comment=row["comment"],
            matchers=tuple(Matcher.from_document(matcher) for matcher in row["matchers"]),
            recurrence=Recurrence(
                row["starts_at"],
                row["timezone"],
                timedelta(minutes=row["duration_minutes"]),
                row["rrule"],
                frozenset(row["exdates"]),
                row["last_starts_at"],
            ),
            tenant_ids=None if tenants is None else frozenset(tenants),
            ended_at=row["ended_at"],
            breakthrough_severity=None if least is None else Severity(least),
            on_end=OnEnd(row["on_end"]),
        )

    def occurrence(self, now: datetime) -> Occurrence | None:
        """The one that lasts at `now`."""
        found = self.recurrence.at(now)
        return None if found is None or self._was_ended(found) else found

    def next(self, after: datetime, most: int) -> list[Occurrence]:
        """The first so many that are not over by then."""
        found = self.recurrence.next(after, most + 1)
        return [each for each in found if not self._was_ended(each)][:most]

    def _was_ended(self, occurrence: Occurrence) -> bool:
        return self.ended_at is not None and occurrence.starts_at <= self.ended_at

    def covers(self, subject: Subject, judge: Judge) -> bool:
        """Whether it holds this alert while an occurrence lasts."""
        least = self.breakthrough_severity
        if least is not None and subject.severity.at_least(least):
            return False
        if self.tenant_ids is not None and subject.tenant_id not in self.tenant_ids:
            return False
        return self.is_usable and judge.all_match(self.asked, subject)


class WindowIndex:
    """The windows of one workspace, by what they ask for."""

    __slots__ = ("_wanted", "by_id")

    def __init__(self, windows: Sequence[MaintenanceWindow]) -> None:
        self.by_id = {window.id: window for window in windows}
        self._wanted = WantedValues(windows, lambda window: window.asked)

    def longest(
        self, subject: Subject, now: datetime, judge: Judge
    ) -> tuple[MaintenanceWindow, Occurrence] | None:
        """The window that holds this alert now; of several, the one that lasts longest."""
        found: tuple[MaintenanceWindow, Occurrence] | None = None
        for window in self._wanted.candidates(subject):
            occurrence = window.occurrence(now)
            if occurrence is None or not window.covers(subject, judge):
                continue
            if found is None or (occurrence.ends_at, window.id) > (found[1].ends_at, found[0].id):
                found = window, occurrence
        return found
