"""A small world for escalations: who is on call, who can be paged by what, and a clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from tocsin.model import AlertStatus, Severity, StepMode, TargetKind
from tocsin.oncall.policy import Decision, Hold, OnDuty, Progress, StepPage, decide
from tocsin.oncall.policy_shapes import Policy, PolicyStep, PolicyTarget, StepCondition

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_NAMES = UUID(int=7)


def named(name: str) -> UUID:
    return uuid5(_NAMES, name)


def user(name: str) -> PolicyTarget:
    return PolicyTarget(TargetKind.USER, named(name))


def schedule(name: str) -> PolicyTarget:
    return PolicyTarget(TargetKind.SCHEDULE, named(name))


def destination(name: str) -> PolicyTarget:
    return PolicyTarget(TargetKind.DESTINATION, named(name))


def step(
    *targets: PolicyTarget,
    minutes: float = 5,
    mode: StepMode = StepMode.EVERYONE,
    condition: StepCondition | None = None,
) -> PolicyStep:
    return PolicyStep(targets, int(minutes * 60), mode, condition)


def policy(*steps: PolicyStep, repeat: int = 0) -> Policy:
    return Policy(named("policy"), 1, "policy", steps, repeat)


@dataclass
class World:
    duty: Mapping[UUID, Sequence[OnDuty]] = field(default_factory=dict)
    contacts: Mapping[UUID, Sequence[StepPage]] = field(default_factory=dict)
    refused: frozenset[UUID] = frozenset()
    severity: Severity = Severity.CRITICAL
    now: datetime = START
    next: dict[int, int] = field(default_factory=dict)

    def on_call(self, schedule_id: UUID) -> Sequence[OnDuty]:
        return self.duty.get(schedule_id, ())

    def pages(self, user_id: UUID) -> Sequence[StepPage]:
        return self.contacts.get(user_id, ())

    def takes_messages(self, destination_id: UUID) -> bool:
        return destination_id not in self.refused

    def unmet(self, step: PolicyStep) -> str | None:
        return step.unmet(self.severity, lambda asked: True, self.now)

    def turn(self, step: int) -> int:
        return self.next.get(step, 0)


@dataclass
class Run:
    """One alert on its way; `log` has every step taken and page due, by seconds from the start."""

    policy: Policy
    world: World
    progress: Progress = field(default_factory=Progress)
    status: AlertStatus = AlertStatus.OPEN
    held: Hold | None = None

    def at(self, seconds: float, *, forced: bool = False) -> Decision:
        self.world.now = START + timedelta(seconds=seconds)
        decided = decide(
            self.policy,
            self.progress,
            self.status,
            self.held,
            self.world,
            self.world.now,
            forced=forced,
        )
        self.progress = decided.progress
        self.world.next |= decided.turns
        return decided

    @property
    def due(self) -> float | None:
        """Seconds from the start at which the wait ends."""
        at = self.progress.due_at
        return None if at is None else (at - START).total_seconds()


def paged(decided: Decision) -> list[tuple[UUID, float]]:
    """Contacts, and how many seconds after the decision they are paged."""
    return [
        (page.destination_id, page.delay.total_seconds())
        for taken in decided.taken
        for each in taken.reached
        for page in each.pages
    ]
