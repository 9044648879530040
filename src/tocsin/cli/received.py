"""A request as `tocsin receive` got it: what it says, and whether its signature is right."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

TOLERANCE_SECONDS = 300
"""How old a signed request may be, as the Standard Webhooks specification has it."""


class Signature(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    """Made with another secret, or the body was changed on its way."""
    OLD = "too old"
    MISSING = "missing"
    UNCHECKED = "not checked"
    """Nobody has said with which secret."""


WORDS = {
    Signature.RIGHT: "signature right",
    Signature.WRONG: "signature wrong: made with another secret, or the body was changed on its way",
    Signature.OLD: f"signature right, but its time is more than {TOLERANCE_SECONDS // 60} minutes off",
    Signature.MISSING: "no signature: webhook-id, webhook-timestamp or webhook-signature is missing",
    Signature.UNCHECKED: "",
}


@dataclass(frozen=True, slots=True)
class Received:
    """`is_repeat`: its `webhook-id` has come before."""

    at: datetime
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    signature: Signature
    is_repeat: bool
    status: int
    """It was answered with."""

    @property
    def content(self) -> Any:
        """The JSON that the body is, else its text."""
        text = self.body.decode("utf-8", "replace")
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text

    def document(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "method": self.method,
            "path": self.path,
            "headers": dict(self.headers),
            "signature": self.signature.value,
            "is_repeat": self.is_repeat,
            "body": self.content,
            "status_code": self.status,
        }


def check(headers: Mapping[str, str], body: bytes, secret: str | None, now: datetime) -> Signature:
    """Whether a request is signed with this secret, as the Standard Webhooks specification has it."""
    if secret is None:
        return Signature.UNCHECKED
    from tocsin.delivery.channels.webhook import sign

    named = [headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature")]
    webhook_id, timestamp, signatures = named
    if not all(named) or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        return Signature.MISSING
    expected = sign(secret, webhook_id, int(timestamp), body).encode()
    given = [each.encode("utf-8", "replace") for each in signatures.split()]
    if not any(hmac.compare_digest(expected, each) for each in given):
        return Signature.WRONG
    is_old = abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS
    return Signature.OLD if is_old else Signature.RIGHT
