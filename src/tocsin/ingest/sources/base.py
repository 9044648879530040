"""What a source is, and the few helpers that every source is written with.

A source turns one decoded payload into signals. It is pure: no clock, no I/O. Doubtful things are
accepted and flagged; what cannot be understood raises `InvalidPayload` with every fault at once.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol
from zoneinfo import ZoneInfo

from tocsin.ingest.clean import (
    LABELS_LIMIT,
    clean_external_id,
    clean_json,
    clean_text,
    flat_labels,
)
from tocsin.ingest.decode import InvalidPayload
from tocsin.ingest.fingerprint import Path
from tocsin.ingest.sources.times import parse_time
from tocsin.model import (
    DESCRIPTION_LIMIT,
    TITLE_LIMIT,
    AuthScheme,
    Fault,
    Severity,
    Signal,
    SignalKind,
    SignatureAlgorithm,
    SignatureFormat,
    SignedContent,
)

if TYPE_CHECKING:
    from tocsin.ingest.mapping import Mapping

MAX_ALERTS: Final = 5_000
"""Alerts in one webhook; a body of the default size limit hardly holds more real ones."""

_HORIZON: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preset:
    """What a new integration of this source starts with; a user may override any of it."""

    auth_scheme: AuthScheme = AuthScheme.HMAC
    signature_header: str = "X-Webhook-Signature"
    signature_algorithm: SignatureAlgorithm = SignatureAlgorithm.SHA256
    signature_format: SignatureFormat = SignatureFormat.HEX
    signature_prefix: str | None = None
    signed_content: SignedContent = SignedContent.BODY
    timestamp_header: str | None = None
    timestamp_tolerance_seconds: int = 300
    id_header: str | None = None
    secret_encoding: str = "text"  # noqa: S105 - the name of an encoding

    def make_secret(self) -> str:
        """A fresh secret of 256 bits in the form that the sender's settings accept."""
        if self.secret_encoding == "standard_webhooks":  # noqa: S105
            return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        return secrets.token_urlsafe(32)


@dataclass(slots=True)
class Context:
    """What a source may know besides the payload. `headers`: names in lower case."""

    headers: AnyMapping[str, str]
    received_at: datetime
    timezone: ZoneInfo
    mapping: Mapping | None = None


class Source(Protocol):
    """One kind of sending tool."""

    type: ClassVar[str]
    title: ClassVar[str]
    preset: ClassVar[Preset]
    volatile: ClassVar[tuple[Path, ...]]
    """What may differ between two sendings of one and the same event."""
    key_headers: ClassVar[tuple[str, ...]]
    """Headers, in lower case, in which this tool names a delivery."""
    takes_mapping: ClassVar[bool]

    def parse(self, payload: Any, context: Context) -> list[Signal]:
        """The signals in a payload; [] means valid and not an alert.

        Raises:
            InvalidPayload: with every fault, each with its JSON pointer.
        """
        ...

    def ignored_reason(self, payload: Any, context: Context) -> str:
        """Why `parse` found no signal, for the record of the delivery."""
        ...

    def delivery_key(self, payload: Any) -> str | None:
        """The id of this delivery, where the tool puts it in the body."""
        ...


class BaseSource:
    """Defaults that most sources share."""

    volatile: ClassVar[tuple[Path, ...]] = ()
    key_headers: ClassVar[tuple[str, ...]] = ()
    takes_mapping: ClassVar[bool] = False

    def ignored_reason(self, payload: Any, context: Context) -> str:
        return "the webhook carries no alert"

    def delivery_key(self, payload: Any) -> str | None:
        return None


def make_signal(
    kind: SignalKind,
    external_id: str | None,
    title: str,
    *,
    flags: list[str],
    severity: Severity | None = None,
    description: str | None = None,
    triggered_at: datetime | None = None,
    occurred_at: datetime | None = None,
    labels: AnyMapping[str, Any] | None = None,
    metadata: AnyMapping[str, Any] | None = None,
    tenant: str | None = None,
) -> Signal:
    """A storable signal: every text is cleaned and cut to its limit; what was cut is flagged."""
    if "\n" in title or "\r" in title or "\t" in title:
        title = " ".join(title.split())
    title, cut = clean_text(title, TITLE_LIMIT)
    if cut:
        flags.append("title_truncated")
    if description is not None:
        description, cut = clean_text(description, DESCRIPTION_LIMIT)
        if cut:
            flags.append("description_truncated")
    if external_id is not None:
        external_id, cut = clean_external_id(external_id)
        if cut:
            flags.append("external_id_truncated")
    if labels and len(labels) > LABELS_LIMIT:
        flags.append("labels_truncated")
    if tenant is not None:
        tenant, _ = clean_text(tenant, 200)
    return Signal(
        kind,
        external_id or None,
        title,
        severity,
        description or None,
        triggered_at,
        occurred_at,
        flat_labels(labels) if labels else {},
        clean_json(metadata) if metadata else {},
        tenant or None,
        tuple(dict.fromkeys(flags)) if flags else (),
    )


def moment(value: Any, context: Context, flags: list[str]) -> datetime | None:
    """A time of the payload in UTC. Unreadable, or more than a day ahead of the receipt (where it
    would outrank every later event), it counts as not given and is flagged."""
    if value is None:
        return None
    at, doubtful = parse_time(value, context.timezone)
    if doubtful:
        flags.append("unreadable_time")
    elif at is not None and at - context.received_at > _HORIZON:
        flags.append("time_in_future")
        return None
    return at


def text_of(value: Any) -> str | None:
    """A string that says something, a number as text, else None."""
    if type(value) is str:
        return value.strip() or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value) if isinstance(value, float) or abs(value) < 10**300 else None
    return None


def object_of(value: Any) -> dict[str, Any]:
    """The object, or an empty one for whatever else came in its place."""
    return value if isinstance(value, dict) else {}


def present(document: AnyMapping[str, Any]) -> dict[str, Any]:
    """Only what says something: no null, blank string, or empty list or object."""
    return {
        name: value
        for name, value in document.items()
        if value is not None and value != "" and value != [] and value != {}
    }


def require_object(payload: Any, what: str) -> dict[str, Any]:
    """Raises InvalidPayload unless the payload is an object."""
    if not isinstance(payload, dict):
        raise InvalidPayload([wrong_type("", "an object", payload, what)])
    return payload


def wrong_type(pointer: str, expected: str, value: Any, what: str = "") -> Fault:
    """The fault for a value of another type; it names types, never the value."""
    where = f"{what}: " if what else ""
    return Fault(pointer, "wrong-type", f"{where}expected {expected}, got {json_type(value)}")


def required(pointer: str, message: str) -> Fault:
    return Fault(pointer, "required", message)


def json_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def pointer_to(*parts: str | int) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
