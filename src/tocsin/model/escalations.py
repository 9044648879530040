"""An escalation: whom it can reach, the state it is in, and why a step reached nobody."""

from __future__ import annotations

from enum import StrEnum


class TargetKind(StrEnum):
    """What a step of an escalation policy names."""

    USER = "user"
    SCHEDULE = "schedule"
    DESTINATION = "destination"


class StepMode(StrEnum):
    """Which of a step's targets are notified."""

    EVERYONE = "everyone"
    # One person each time, the one whose turn it is.
    ROUND_ROBIN = "round_robin"


class EscalationState(StrEnum):
    """running ↔ held; either → stopped | exhausted, which it never leaves."""

    RUNNING = "running"
    HELD = "held"
    # Somebody took the alert on, it is over, or another escalation took its place.
    STOPPED = "stopped"
    # Nobody has answered its last step.
    EXHAUSTED = "exhausted"

    @property
    def is_live(self) -> bool:
        return self in (EscalationState.RUNNING, EscalationState.HELD)


class StopReason(StrEnum):
    """Why an escalation ended before its last step went unanswered."""

    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"
    # Another took its place: the alert has become worse, or was open again.
    SUPERSEDED = "superseded"


class SkipReason(StrEnum):
    """Why a step, or one of its targets, notified nobody."""

    NOBODY_ON_CALL = "nobody_on_call"
    # No contact that is verified and enabled; a destination that is disabled, or gone.
    NO_CONTACT = "no_contact"
    # The step is not for such an alert, or not at this hour.
    CONDITION = "condition"
