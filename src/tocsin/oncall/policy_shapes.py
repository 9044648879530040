"""What an escalation policy is: steps, each with targets, a wait and a condition. Pure.

The same documents are what the API takes, what the table keeps and what these are read from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tocsin.model import Severity, StepMode, TargetKind

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

URGENT_ACK_TIMEOUT = timedelta(minutes=30)
"""After which an acknowledgement of a CRITICAL or HIGH alert expires, where the policy says nothing."""


@dataclass(frozen=True, slots=True)
class PolicyTarget:
    type: TargetKind
    id: UUID

    def document(self) -> dict[str, str]:
        return {"type": self.type.value, "id": str(self.id)}


@dataclass(frozen=True, slots=True)
class Asked:
    """`label op value`, as written. Routing compiles it; nothing here does."""

    label: str
    op: str
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.op}"{self.value}"'


Matching = Callable[[tuple[Asked, ...]], bool]
"""Whether all of them match the alert in question."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` to `end` by the clock on the wall of a zone, on the days on which they begin. An end
    at or before the start is on the next day, so that equal times mean a whole day."""

    days: frozenset[int]
    """0 is Monday."""
    start: time
    end: time
    zone: ZoneInfo

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Hours:
        return cls(
            frozenset(DAYS.index(day) for day in document["days"]),
            time.fromisoformat(document["start"]),
            time.fromisoformat(document["end"]),
            ZoneInfo(document["timezone"]),
        )

    def __str__(self) -> str:
        days = " ".join(DAYS[day] for day in sorted(self.days))
        return f"{days} {self.start:%H:%M}-{self.end:%H:%M} {self.zone.key}"

    def cover(self, at: datetime) -> bool:
        local = at.astimezone(self.zone)
        today, clock = local.weekday(), local.time()
        if self.start < self.end:
            return today in self.days and self.start <= clock < self.end
        if clock >= self.start:
            return today in self.days
        return clock < self.end and (today - 1) % 7 in self.days


@dataclass(frozen=True, slots=True)
class StepCondition:
    """What must hold when a step begins. One without parts always holds; so does one of `hours` while
    any of them lasts."""

    min_severity: Severity | None = None
    matchers: tuple[Asked, ...] = ()
    hours: tuple[Hours, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> StepCondition:
        severity = document.get("min_severity")
        return cls(
            None if severity is None else Severity(severity),
            tuple(
                Asked(str(each["label"]), str(each["op"]), str(each["value"]))
                for each in document.get("matchers") or ()
            ),
            tuple(Hours.from_document(each) for each in document.get("hours") or ()),
        )

    def unmet(self, severity: Severity, matching: Matching, at: datetime) -> str | None:
        """What of it does not hold, in words; None: it does."""
        if self.min_severity is not None and not severity.at_least(self.min_severity):
            return f"only for {self.min_severity.value} or worse"
        if self.hours and not any(each.cover(at) for each in self.hours):
            return f"only {' or '.join(str(each) for each in self.hours)}"
        if self.matchers and not matching(self.matchers):
            return f"only where {', '.join(str(each) for each in self.matchers)}"
        return None


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """`wait_seconds`: how long it waits for an answer before the next one begins."""

    targets: tuple[PolicyTarget, ...]
    wait_seconds: int
    mode: StepMode = StepMode.EVERYONE
    condition: StepCondition | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PolicyStep:
        condition = document.get("condition")
        return cls(
            tuple(
                PolicyTarget(TargetKind(each["type"]), UUID(str(each["id"])))
                for each in document["targets"]
            ),
            document["wait_seconds"],
            StepMode(document.get("mode", StepMode.EVERYONE)),
            None if condition is None else StepCondition.from_document(condition),
        )

    def unmet(self, severity: Severity, matching: Matching, at: datetime) -> str | None:
        """Why it is not for such an alert, or not now, in words; None: it is."""
        return None if self.condition is None else self.condition.unmet(severity, matching, at)


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of a policy. `repeat`: how often all steps are repeated after the first time."""

    id: UUID
    version: int
    name: str
    steps: tuple[PolicyStep, ...]
    repeat: int = 0
    on_exhausted_destination_id: UUID | None = None
    ack_timeout_minutes: int | None = None
    """None: 30 for CRITICAL and HIGH, never for others; 0: never."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Policy:
        """From a row of `escalation_policies`, or of `escalation_policy_versions` with the name as
        `name` and the policy as `id`."""
        return cls(
            row["id"],
            row["version"],
            row["name"],
            tuple(PolicyStep.from_document(each) for each in row["steps"]),
            row["repeat"],
            row["on_exhausted_destination_id"],
            row["ack_timeout_minutes"],
        )

    def ack_timeout(self, severity: Severity) -> timedelta | None:
        """After which an acknowledgement of such an alert expires; None: never."""
        if self.ack_timeout_minutes is None:
            return URGENT_ACK_TIMEOUT if severity.at_least(Severity.HIGH) else None
        return timedelta(minutes=self.ack_timeout_minutes) or None
