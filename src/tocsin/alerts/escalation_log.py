"""What went wrong with escalations, for operators: a line in words, and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter

log = structlog.get_logger(__name__)

EXHAUSTED = Counter(
    "tocsin_escalations_exhausted_total",
    "Escalations that ended without an answer (no_acknowledgement), or that could reach nobody at all "
    "(nobody_reached).",
    ["reason"],
)

_WORDS = {
    "nobody_reached": "an escalation could reach nobody",
    "no_acknowledgement": "an escalation ended, and nobody has acknowledged",
}


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
