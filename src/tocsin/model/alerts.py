"""What an alert is: its severity, its status, what happens to it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is; the order of declaration is the order of urgency, worst first."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFO = "INFO"

    @property
    def rank(self) -> int:
        """0 for INFO up to 4 for CRITICAL, so that `a.rank >= b.rank` reads "at least as bad"."""
        return _RANK[self]

    def at_least(self, other: Severity) -> bool:
        return self.rank >= other.rank


_RANK = {severity: rank for rank, severity in enumerate(reversed(Severity))}


class AlertStatus(StrEnum):
    """An alert's status. OPEN and ACKNOWLEDGED are live: a repeat lands on them."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"

    @property
    def is_live(self) -> bool:
        return self in (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)


class Action(StrEnum):
    """What a person does to an alert."""

    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    NOTE = "note"
    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"


class AlertEventKind(StrEnum):
    """What happened to an alert; the kinds of its timeline."""

    TRIGGERED = "triggered"
    REPEATED = "repeated"
    # Its words changed, without an occurrence.
    UPDATED = "updated"
    SEVERITY_CHANGED = "severity_changed"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"
    NOTED = "noted"
    SNOOZED = "snoozed"
    UNSNOOZED = "unsnoozed"
    REMINDED = "reminded"
    FLAPPING = "flapping"
    SETTLED = "settled"
    # The source, or a person, took an acknowledgement back: the alert is open again.
    UNACKNOWLEDGED = "unacknowledged"
    # A step of an escalation policy was taken.
    ESCALATED = "escalated"
    ESCALATION_HELD = "escalation_held"
    ESCALATION_RESUMED = "escalation_resumed"
    # Nobody has answered its last step, or nobody could be reached at all.
    ESCALATION_EXHAUSTED = "escalation_exhausted"
    # Nobody has said for too long that they are still on it: the alert is open again.
    ACKNOWLEDGEMENT_EXPIRED = "acknowledgement_expired"
    ASSIGNED = "assigned"
    RESPONDERS_ADDED = "responders_added"
    # A signal older than what is already known of the alert: on record, changes nothing.
    OUTDATED = "outdated"


TITLE_LIMIT = 500
"""Characters kept of a title; a longer one is cut and flagged, never refused."""


DESCRIPTION_LIMIT = 20_000


EXTERNAL_ID_LIMIT = 1_000


LABEL_VALUE_LIMIT = 2_000


# What a person may do; CLOSED is final, and only a person reopens. From ACKNOWLEDGED to OPEN an alert
# comes when the acknowledgement is taken back, which the source may do, too.
TRANSITIONS: Mapping[AlertStatus, frozenset[AlertStatus]] = {
    AlertStatus.OPEN: frozenset(
        {AlertStatus.ACKNOWLEDGED, AlertStatus.RESOLVED, AlertStatus.CLOSED}
    ),
    AlertStatus.ACKNOWLEDGED: frozenset(
        {AlertStatus.OPEN, AlertStatus.RESOLVED, AlertStatus.CLOSED}
    ),
    AlertStatus.RESOLVED: frozenset({AlertStatus.OPEN, AlertStatus.CLOSED}),
    AlertStatus.CLOSED: frozenset(),
}
