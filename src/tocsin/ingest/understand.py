"""From bytes to a webhook ready for commit: verify, parse, normalise, fingerprint.

Pure but for the caller's clock: everything here works on values. What goes wrong becomes the answer
of the webhook, which is stored all the same.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec
import structlog

from tocsin.ingest import metrics
from tocsin.ingest.proof.verify import Refused, verify
from tocsin.ingest.refusals import (
    INACTIVE,
    UNPROVEN,
    UNREADABLE_PAYLOAD,
    UNREADABLE_SECRET,
    invalid_payload,
)
from tocsin.ingest.senders import Sender
from tocsin.ingest.sources.base import Context
from tocsin.ingest.sources.kit.decode import InvalidPayload, read
from tocsin.ingest.sources.kit.fingerprint import fingerprint
from tocsin.ingest.sources.registry import idempotency_key
from tocsin.ingest.webhook import Accepted, Declined, Webhook
from tocsin.model import Fault, WebhookStatus, uuid7_bytes

log = structlog.get_logger(__name__)


def understand(
    entry: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    *,
    path_secret: str | None = None,
    rejected_body_bytes: int = 65_536,
) -> Webhook:
    """Verify `body` as sent and find out what it says. `headers`: lower-case names, Latin-1 text."""
    refusal = _refusal(entry, headers, body, received_at, path_secret)
    if refusal is None:
        webhook = interpret(entry, headers, body, received_at)
    else:
        webhook = _rejected(entry, headers, body, received_at, refusal, rejected_body_bytes)
    webhook.path_secret = path_secret
    webhook.rejected_body_bytes = rejected_body_bytes
    return webhook


def _refusal(
    entry: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    path_secret: str | None,
) -> Declined | None:
    if not entry.is_active:
        return INACTIVE
    if entry.profile is None:
        return UNREADABLE_SECRET
    verdict = verify(entry.profile, headers, body, received_at, path_secret=path_secret)
    return UNPROVEN[verdict] if isinstance(verdict, Refused) else None


def interpret(
    entry: Sender, headers: dict[str, str], body: bytes, received_at: datetime
) -> Webhook:
    """A verified body, by today's mapping: what replay starts from."""
    try:
        decoded = read(body, headers.get("content-type"))
    except InvalidPayload as error:
        return _invalid(entry, headers, body, received_at, error.faults)
    payload = decoded.value
    context = Context(headers, received_at, entry.timezone, entry.mapping)
    webhook = Webhook(
        sender=entry,
        id=uuid7_bytes(),
        received_at=received_at,
        headers=headers,
        body=body,
        raw_payload=body if decoded.is_json else quoted(body),
        fingerprint="",
        flags=decoded.flags,
    )
    try:
        webhook.signals = entry.source.parse(payload, context)
        webhook.idempotency_key = idempotency_key(entry.source, headers, payload)
        webhook.fingerprint = fingerprint(payload, entry.source.volatile)
    except InvalidPayload as error:
        return _invalid(entry, headers, body, received_at, error.faults)
    except Exception as error:
        log.error("ingest.fault", integration_id=str(entry.id), exc_info=error)
        metrics.FAULTS.inc()
        webhook.signals = []
        webhook.fingerprint = webhook.fingerprint or hashlib.sha256(body).hexdigest()
        webhook.settled = UNREADABLE_PAYLOAD
        return webhook
    if not webhook.signals:
        reason = entry.source.ignored_reason(payload, context)
        webhook.settled = Accepted(WebhookStatus.IGNORED, reason=reason)
    for signal in webhook.signals:
        if signal.flags:
            for flag in signal.flags:
                webhook.flag(flag)
    return webhook


def quoted(body: bytes) -> bytes:
    """Any bytes as JSON text: one string."""
    return msgspec.json.encode(body.decode("utf-8", "replace"))


def _invalid(
    entry: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    faults: list[Fault],
) -> Webhook:
    declined = invalid_payload(faults)
    return _settled(entry, headers, body, received_at, declined, None)


def _rejected(
    entry: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    declined: Declined,
    keep_bytes: int,
) -> Webhook:
    return _settled(entry, headers, body, received_at, declined, keep_bytes)


def _settled(
    entry: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    declined: Declined,
    keep_bytes: int | None,
) -> Webhook:
    kept = body if keep_bytes is None else body[:keep_bytes]
    return Webhook(
        sender=entry,
        id=uuid7_bytes(),
        received_at=received_at,
        headers=headers,
        body=body,
        raw_payload=_valid_or_quoted(kept),
        fingerprint=hashlib.sha256(body).hexdigest(),
        flags=("payload_truncated",) if len(kept) < len(body) else (),
        settled=declined,
    )


def _valid_or_quoted(body: bytes) -> bytes:
    """Itself if it is valid JSON of a sane depth, so that it is kept as sent."""
    try:
        body_is_json = read(body, "application/json").is_json
    except InvalidPayload:
        body_is_json = False
    return body if body_is_json else quoted(body)
