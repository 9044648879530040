"""The vocabulary of the hub: severities, states, signals, reasons; ids, and the time now. No I/O.

Everything here is shared by every room above it; the words are used the same way everywhere.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct


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
    """Where an alert stands. OPEN and ACKNOWLEDGED are live: a repeat lands on them."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"

    @property
    def is_live(self) -> bool:
        return self in (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)


class SignalKind(StrEnum):
    """What one normalised event of a monitoring tool asks for."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    # The source took its acknowledgement back: nobody works on the alert any more.
    UNACKNOWLEDGE = "unacknowledge"
    # Changes the severity and the words of a live alert; where none is live it opens none.
    UPDATE = "update"


class WebhookStatus(StrEnum):
    """What became of a webhook; declared in the order in which the answer picks one of several."""

    CREATED = "created"
    UPDATED = "updated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"


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
    # The source took its acknowledgement back: the alert is open again.
    UNACKNOWLEDGED = "unacknowledged"
    # A signal older than what is already known of the alert: on record, changes nothing.
    OUTDATED = "outdated"


class EventType(StrEnum):
    """What a destination can be told of."""

    TRIGGERED = "alerts.triggered"
    ACKNOWLEDGED = "alerts.acknowledged"
    RESOLVED = "alerts.resolved"
    CLOSED = "alerts.closed"
    TEST = "alerts.test"


class AlertDeliveryStatus(StrEnum):
    """queued → sent | failed | canceled; deferred waits for its time; suppressed never leaves."""

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
    COOLDOWN = "cooldown"
    QUIET_HOURS = "quiet_hours"
    SILENCE = "silence"
    # The trigger of this alert was never told to the destination, so its end is not news there.
    TRIGGER_NOT_SENT = "trigger_not_sent"
    RESOLVED_BEFORE_SENT = "resolved_before_sent"
    DESTINATION_DISABLED = "destination_disabled"
    CANCELED_BY_USER = "canceled_by_user"
    FALLBACK = "fallback"


class AttemptOutcome(StrEnum):
    """What became of one attempt to deliver."""

    SENT = "sent"
    RETRY = "retry"
    FAILED = "failed"
    # Nobody knows whether it arrived; it counts as not sent.
    UNKNOWN = "unknown"


class HoldReason(StrEnum):
    """Why nothing is sent to a destination for now."""

    FAILING = "failing"
    THROTTLED = "throttled"


class AuthScheme(StrEnum):
    """How a sender proves who it is."""

    HMAC = "hmac"
    TOKEN = "token"  # noqa: S105 - the name of a scheme
    BASIC = "basic"
    URL = "url"
    SNS = "sns"


class SignatureAlgorithm(StrEnum):
    SHA256 = "sha256"
    SHA512 = "sha512"
    SHA1 = "sha1"


class SignatureFormat(StrEnum):
    HEX = "hex"
    BASE64 = "base64"


class SignedContent(StrEnum):
    """The bytes that an HMAC sender signs."""

    BODY = "body"
    TIMESTAMP_DOT_BODY = "timestamp.body"
    TIMESTAMP_COLON_BODY = "timestamp:body"
    ID_TIMESTAMP_BODY = "id.timestamp.body"


class Role(StrEnum):
    """What one may do: a viewer reads, a responder acts on alerts, an admin configures."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        order = (Role.VIEWER, Role.RESPONDER, Role.ADMIN)
        return order.index(self) >= order.index(other)


class ActorKind(StrEnum):
    SOURCE = "source"
    USER = "user"
    API_KEY = "api_key"
    RECIPIENT = "recipient"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as timelines and the audit log keep it: a kind and a name for people."""

    kind: ActorKind
    name: str
    id: UUID | None = None

    def document(self) -> dict[str, str]:
        document = {"kind": self.kind.value, "name": self.name}
        if self.id is not None:
            document["id"] = str(self.id)
        return document


SYSTEM = Actor(ActorKind.SYSTEM, "tocsin")


class Signal(Struct):
    """One normalised event parsed out of a webhook delivery.

    `triggered_at` is when the alert fired (from the payload); `occurred_at` is when *this* event
    happened at the sender and orders it against others. None means the payload does not say; the
    pipeline then takes the time of receipt. `severity` None means the integration's default.
    `tenant` is a tenant slug if the payload names one. `labels` is a flat string map.
    `flags` names what was doubtful and accepted all the same.
    """

    kind: SignalKind
    external_id: str | None
    title: str
    severity: Severity | None = None
    description: str | None = None
    triggered_at: datetime | None = None
    occurred_at: datetime | None = None
    labels: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    tenant: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a payload: where (JSON pointer, RFC 6901), a stable code, and words."""

    pointer: str
    code: str
    message: str

    def document(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "message": self.message}


class Secret:
    """A value that must not be shown: `repr` and `str` hide it; `reveal()` is easy to find."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        self._value = value.encode() if isinstance(value, str) else value

    def reveal(self) -> bytes:
        return self._value

    def reveal_text(self) -> str:
        return self._value.decode()

    def __repr__(self) -> str:
        return "Secret([redacted])"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


REDACTED = "[redacted]"

TITLE_LIMIT = 500
"""Characters kept of a title; a longer one is cut and flagged, never refused."""

DESCRIPTION_LIMIT = 20_000
EXTERNAL_ID_LIMIT = 1_000
LABEL_VALUE_LIMIT = 2_000


def uuid7_bytes(now_ns: int | None = None) -> bytes:
    """A UUIDv7 (RFC 9562, section 5.7) as 16 bytes: milliseconds, then a sub-millisecond fraction
    in `rand_a` (method 3 of section 6.2, so that ids of one process sort as they were made)."""
    ns = time.time_ns() if now_ns is None else now_ns
    milliseconds, rest = divmod(ns, 1_000_000)
    fraction = rest * 4096 // 1_000_000
    tail = random.getrandbits(62) | 0x8000_0000_0000_0000
    return ((milliseconds << 80) | ((0x7000 | fraction) << 64) | tail).to_bytes(16)


def uuid7() -> UUID:
    return UUID(bytes=uuid7_bytes())


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso(at: datetime) -> str:
    """ISO 8601 in UTC with `Z`, microseconds only if there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def optional_iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


# What a person may do; CLOSED is final, and only a person reopens. The source may also take its
# acknowledgement back.
TRANSITIONS: Mapping[AlertStatus, frozenset[AlertStatus]] = {
    AlertStatus.OPEN: frozenset(
        {AlertStatus.ACKNOWLEDGED, AlertStatus.RESOLVED, AlertStatus.CLOSED}
    ),
    AlertStatus.ACKNOWLEDGED: frozenset({AlertStatus.RESOLVED, AlertStatus.CLOSED}),
    AlertStatus.RESOLVED: frozenset({AlertStatus.OPEN, AlertStatus.CLOSED}),
    AlertStatus.CLOSED: frozenset(),
}
