"""What went wrong with escalations, for operators: a line in words, and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter

from tocsin.model import SkipReason

log = structlog.get_logger(__name__)

EXHAUSTED = Counter(
    "tocsin_escalations_exhausted_total",
    "Escalations that ended without an answer (no_acknowledgement), or that could reach nobody at all "
    "(nobody_reached).",
    ["reason"],
)

SKIPPED = Counter(
    "tocsin_escalation_targets_skipped_total",
    "People, schedules and destinations that a step named and could not reach: nobody is on call "
    "(nobody_on_call), or nothing reaches them (no_contact).",
    ["reason"],
)

_WORDS = {
    "nobody_reached": "an escalation could reach nobody",
    "no_acknowledgement": "an escalation ended, and nobody has acknowledged",
}
for _reason in _WORDS:
    # From 0 on: a series that begins with 1 has not risen, to Prometheus.
    EXHAUSTED.labels(_reason)
for _skipped in (SkipReason.NOBODY_ON_CALL, SkipReason.NO_CONTACT):
    SKIPPED.labels(_skipped)


@dataclass(frozen=True, slots=True)
class EscalationTrouble:
    """An escalation that is exhausted. `fallback` None: nobody else was notified either."""

    reason: str
    alert_id: UUID
    policy: str
    fallback: str | None

    def report(self) -> None:
        EXHAUSTED.labels(self.reason).inc()
        log.error(
            _WORDS[self.reason],
            alert_id=str(self.alert_id),
            policy=self.policy,
            fallback=self.fallback or "none: set a fallback destination for the workspace",
        )


@dataclass(frozen=True, slots=True)
class SkippedTargets:
    """What a step could not reach. `step` from 1; `is_passed`: it has reached nobody else either."""

    reasons: tuple[str, ...]
    alert_id: UUID
    policy: str
    step: int
    is_passed: bool

    def report(self) -> None:
        for reason in self.reasons:
            SKIPPED.labels(reason).inc()
        if self.is_passed:
            log.warning(
                "a step of an escalation reached nobody, and was passed",
                alert_id=str(self.alert_id),
                policy=self.policy,
                step=self.step,
                reasons=sorted(set(self.reasons)),
            )
