"""What is sent: of which event, in which state, and why or why not."""

from __future__ import annotations

from enum import StrEnum


class EventType(StrEnum):
    """What a destination can be notified of."""

    TRIGGERED = "alerts.triggered"
    ACKNOWLEDGED = "alerts.acknowledged"
    RESOLVED = "alerts.resolved"
    CLOSED = "alerts.closed"
    REMINDER = "alerts.reminder"
    # It keeps coming and going: said once, then how it goes on, and how it has ended.
    FLAPPING = "alerts.flapping"
    SETTLED = "alerts.settled"
    TEST = "alerts.test"
    # Several alerts in one message.
    GROUP = "alerts.group"
    # A digest of what exceeds a destination's rate.
    STORM = "alerts.storm"
    # The pages of one person that exceed what their contact method takes, in one.
    PAGES = "alerts.pages"
    # Not about alerts: a person's own shift, and times when nobody is on call.
    SHIFT_BEGINS = "schedules.shift_begins"
    SHIFT_ENDS = "schedules.shift_ends"
    GAPS = "schedules.gaps"

    @property
    def is_notice(self) -> bool:
        """Whether it says something without an alert, in words of its own."""
        return self in (EventType.SHIFT_BEGINS, EventType.SHIFT_ENDS, EventType.GAPS)


class AlertDeliveryStatus(StrEnum):
    """deferred → queued | canceled; queued → sent | failed | canceled; suppressed never leaves."""

    QUEUED = "queued"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELED = "canceled"


class Reason(StrEnum):
    """Why an alert delivery exists, waits, or was never sent."""

    RULE = "rule"
    TEST = "test"
    # It carries the code that verifies a contact method.
    VERIFICATION = "verification"
    COOLDOWN = "cooldown"
    QUIET_HOURS = "quiet_hours"
    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    # A maintenance window that notifies nobody when it ends held it to its end.
    MAINTENANCE_OVER = "maintenance_over"
    # Another alert, on which this one depends, is live.
    INHIBITED = "inhibited"
    # What this one depends on may be about to say that it is the cause.
    INHIBITION_WAIT = "inhibition_wait"
    SNOOZED = "snoozed"
    FLAPPING = "flapping"
    # The trigger of this alert was never sent to the destination, so its end is not news there.
    TRIGGER_NOT_SENT = "trigger_not_sent"
    RESOLVED_BEFORE_SENT = "resolved_before_sent"
    # Somebody took the alert on while a hold kept its trigger back.
    ACKNOWLEDGED_BEFORE_SENT = "acknowledged_before_sent"
    # A later message says how it stands.
    SUPERSEDED = "superseded"
    # The end of an alert that was live again before it could be said.
    REOPENED_BEFORE_SENT = "reopened_before_sent"
    # A reminder that no rule asks for any more.
    NOT_WANTED = "not_wanted"
    DESTINATION_DISABLED = "destination_disabled"
    CANCELED_BY_USER = "canceled_by_user"
    FALLBACK = "fallback"
    # A step of an escalation policy reaches its reader, or somebody was asked to help.
    ESCALATION = "escalation"
    # Its reader was paged of what is over now.
    PAGED_BEFORE = "paged_before"
    # The same, but as many such messages wait for its reader already as can be sent soon.
    TOO_MANY_ENDS = "too_many_ends"
    # Its reader asked to be told of their shifts, or looks after a schedule that has gaps.
    NOTICE = "notice"
    # Its reader has left the workspace.
    USER_REMOVED = "user_removed"
    # Another message says it, with what others have to say: `carried_by` names it once it is made.
    GROUPED = "grouped"
    # As many as its destination takes in a time have gone; a digest says it.
    RATE_LIMITED = "rate_limited"
    # A page that goes with others of the same person: `carried_by` names the one that says it.
    BUNDLED = "bundled"


class OnEnd(StrEnum):
    """What the end of a maintenance window does about what is still open."""

    NOTIFY_OPEN = "notify_open"
    NOTHING = "nothing"


class WindowState(StrEnum):
    """Whether a maintenance window holds anything now, will again, or never."""

    DISABLED = "disabled"
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


class AttemptOutcome(StrEnum):
    """What became of one attempt to deliver."""

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    # Nobody knows whether it arrived; it counts as not sent.
    UNKNOWN = "unknown"


class WaitReason(StrEnum):
    """Why a message that is due has not left."""

    FAILING = "failing"
    THROTTLED = "throttled"
    MISCONFIGURED = "misconfigured"
    # Its destination may be sent only so many in a time, and those have gone.
    RATE = "rate"


class HoldReason(StrEnum):
    """Why nothing is sent to a destination for now."""

    FAILING = "failing"
    # The service asked for silence; tests wait as well.
    THROTTLED = "throttled"
    # Only a person can fix it: a setting, a key, a blocked network.
    MISCONFIGURED = "misconfigured"
