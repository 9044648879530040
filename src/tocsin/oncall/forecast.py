"""What an escalation would do if nobody answered: every step, by the clock. Pure.

It asks `oncall.policy`, as what runs does, at each moment at which something is due: they cannot
disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tocsin.model import AlertStatus, EscalationState
from tocsin.oncall.policy import Progress, StepTaken, Surroundings, decide
from tocsin.oncall.policy_shapes import Policy

SurroundingsAt = Callable[[datetime, Mapping[int, int]], Surroundings]
"""What the world looks like at a moment, by what is known now, given whom the steps that ask one at a
time ask next."""


@dataclass(frozen=True, slots=True)
class ForecastStep:
    """A step that begins `at`. `until`: when its wait ends; None: it reaches nobody, and is passed."""

    at: datetime
    until: datetime | None
    taken: StepTaken


@dataclass(frozen=True, slots=True)
class Forecast:
    steps: Sequence[ForecastStep]
    exhausted_at: datetime
    """When the last resort is notified."""

    @classmethod
    def of(cls, at: datetime, steps: Sequence[ForecastStep]) -> Forecast:
        waited = [step.until for step in steps if step.until is not None]
        return cls(steps, waited[-1] if waited else at)

    @property
    def reaches_nobody(self) -> bool:
        return all(step.taken.is_passed for step in self.steps)


def forecast_steps(
    policy: Policy, around: SurroundingsAt, at: datetime, turns: Mapping[int, int]
) -> Iterator[ForecastStep]:
    """The steps of an escalation that begins at `at`, and that nobody answers and nothing holds."""
    progress, now, next_turns = Progress(), at, dict(turns)
    while progress.state is EscalationState.RUNNING:
        decided = decide(policy, progress, AlertStatus.OPEN, None, around(now, next_turns), now)
        progress = decided.progress
        for taken in decided.taken:
            yield ForecastStep(now, None if taken.is_passed else progress.due_at, taken)
        next_turns.update(decided.turns)
        now = progress.due_at or now
