"""The vocabulary of the hub, used the same way by every room above it. No I/O.

One file per subject; import from here.
"""

from __future__ import annotations

from tocsin.model.alert_words import NO_ENTRIES, AlertWords
from tocsin.model.alerts import (
    DESCRIPTION_LIMIT,
    EXTERNAL_ID_LIMIT,
    LABEL_VALUE_LIMIT,
    TITLE_LIMIT,
    TRANSITIONS,
    Action,
    AlertEventKind,
    AlertStatus,
    Severity,
)
from tocsin.model.default_slug import DEFAULT_SLUG
from tocsin.model.escalations import EscalationState, SkipReason, StepMode, StopReason, TargetKind
from tocsin.model.ids import uuid7, uuid7_bytes
from tocsin.model.kept_history import KeptHistory
from tocsin.model.notifications import (
    AlertDeliveryStatus,
    AttemptOutcome,
    EventType,
    HoldReason,
    OnEnd,
    Reason,
    WaitReason,
    WindowState,
)
from tocsin.model.people import SYSTEM, Actor, ActorKind, Role, Urgency
from tocsin.model.proof import AuthScheme, SignatureAlgorithm, SignatureFormat, SignedContent
from tocsin.model.secret import REDACTED, Secret
from tocsin.model.signals import (
    SPOOLED_FLAG,
    Fault,
    Lease,
    Signal,
    SignalKind,
    WebhookStatus,
    doubts,
)
from tocsin.model.timers import TimerKind
from tocsin.model.utc import iso, optional_iso, utc_now

__all__ = [
    "DEFAULT_SLUG",
    "DESCRIPTION_LIMIT",
    "EXTERNAL_ID_LIMIT",
    "LABEL_VALUE_LIMIT",
    "NO_ENTRIES",
    "REDACTED",
    "SPOOLED_FLAG",
    "SYSTEM",
    "TITLE_LIMIT",
    "TRANSITIONS",
    "Action",
    "Actor",
    "ActorKind",
    "AlertDeliveryStatus",
    "AlertEventKind",
    "AlertStatus",
    "AlertWords",
    "AttemptOutcome",
    "AuthScheme",
    "EscalationState",
    "EventType",
    "Fault",
    "HoldReason",
    "KeptHistory",
    "Lease",
    "OnEnd",
    "Reason",
    "Role",
    "Secret",
    "Severity",
    "Signal",
    "SignalKind",
    "SignatureAlgorithm",
    "SignatureFormat",
    "SignedContent",
    "SkipReason",
    "StepMode",
    "StopReason",
    "TargetKind",
    "TimerKind",
    "Urgency",
    "WaitReason",
    "WebhookStatus",
    "WindowState",
    "doubts",
    "iso",
    "optional_iso",
    "utc_now",
    "uuid7",
    "uuid7_bytes",
]
