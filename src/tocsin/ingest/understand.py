"""From bytes to a webhook ready for commit: verify, unpack, parse, normalise, fingerprint.

Pure except for the caller's clock: everything here works on values. What goes wrong becomes the answer
of the webhook, which is stored all the same.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import structlog

from tocsin.ingest import metrics
from tocsin.ingest.bound_pings import part_pings
from tocsin.ingest.kept import quoted, restored
from tocsin.ingest.proof.verify import Refused, verify, verify_token
from tocsin.ingest.received_webhook import (
    NOTHING_SHOWN,
    TRUSTED,
    Accepted,
    Declined,
    Shown,
    Webhook,
)
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
from tocsin.ingest.sources.kit.evaluation import TooMuchAtOnce
from tocsin.ingest.sources.kit.fingerprint import fingerprint
from tocsin.ingest.sources.registry import idempotency_key
from tocsin.ingest.unpack import is_packed, unpack
from tocsin.model import Secret, WebhookStatus, uuid7_bytes

log = structlog.get_logger(__name__)

STORED_LIMIT = 67_108_864
"""The most that a body may be set to have; what is on record was within the limit of its day."""


LARGE_BYTES = 32_768
"""A larger body is read in a thread: the event loop waits for no more of it than one call into C."""


def is_large(headers: dict[str, str], body: bytes) -> bool:
    """Whether to read it may take long by its size, or by what it is once it is unpacked."""
    return len(body) > LARGE_BYTES or "content-encoding" in headers


def understand(
    sender: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    *,
    shown: Shown = NOTHING_SHOWN,
    rejected_body_bytes: int = 65_536,
    body_limit: int = 1_048_576,
    at_once: bool = False,
) -> Webhook:
    """Verify `body` as sent and find out what it says. `headers`: lower-case names, Latin-1 text.

    Raises:
        TooMuchAtOnce: see `read_authentic`.
    """
    refusal = admitted(sender, headers, body, received_at, shown)
    if refusal is None:
        webhook = read_authentic(sender, headers, body, received_at, body_limit, at_once=at_once)
    else:
        webhook = read_refused(sender, headers, body, received_at, refusal, rejected_body_bytes)
    webhook.shown = shown
    webhook.rejected_body_bytes = rejected_body_bytes
    return webhook


def admitted(
    sender: Sender, headers: dict[str, str], body: bytes, received_at: datetime, shown: Shown
) -> Declined | None:
    """Why this sender's webhook is not accepted; None if it is."""
    if not sender.is_active:
        return INACTIVE
    proof = shown.proof
    if proof is TRUSTED:
        return None
    if sender.profile is None:
        return UNREADABLE_SECRET
    if isinstance(proof, Secret):
        verdict = verify_token(sender.profile, proof.reveal(), received_at)
    else:
        verdict = verify(sender.profile, headers, body, received_at, path_secret=shown.path_secret)
    if isinstance(verdict, Refused):
        return UNPROVEN[verdict]
    sender.note_proof(verdict, received_at)
    return None


def read_refused(
    sender: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    refusal: Declined,
    keep_bytes: int,
) -> Webhook:
    """For the record only: nothing of the body is parsed, since anybody may have sent it."""
    kept = body[:keep_bytes]
    is_cut = len(kept) < len(body)
    return Webhook(
        sender=sender,
        id=uuid7_bytes(),
        received_at=received_at,
        headers=headers,
        body=body,
        raw_payload=quoted(kept, is_packed=is_packed(headers), is_cut=is_cut),
        fingerprint=hashlib.sha256(body).hexdigest(),
        flags=("payload_truncated",) if is_cut else (),
        settled=refusal,
    )


def read_authentic(
    sender: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    limit: int,
    *,
    at_once: bool = False,
) -> Webhook:
    """`limit`: bytes that the body may have once it is unpacked.

    Raises:
        TooMuchAtOnce: with `at_once`, where a mapping costs more than a moment.
    """
    text = unpack(body, headers, limit)
    if isinstance(text, Declined):
        packed = quoted(body, is_packed=is_packed(headers))
        return _unreadable(sender, headers, body, received_at, text, packed)
    webhook = interpret(sender, headers, text, received_at, at_once=at_once)
    webhook.body = body
    return webhook


def interpret_stored(
    sender: Sender, headers: dict[str, str], raw_payload: str, received_at: datetime
) -> Webhook:
    """What is on record, by today's mapping: what replay starts from. `raw_payload`: JSON text."""
    body, is_as_sent = restored(raw_payload)
    if is_as_sent:
        return read_authentic(sender, headers, body, received_at, STORED_LIMIT)
    return interpret(sender, headers, body, received_at)


def interpret(
    sender: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    *,
    at_once: bool = False,
) -> Webhook:
    """A verified and unpacked body, by today's mapping.

    Raises:
        TooMuchAtOnce: see `read_authentic`.
    """
    try:
        decoded = read(body, headers.get("content-type"))
    except InvalidPayload as error:
        refusal = invalid_payload(error.faults)
        return _unreadable(sender, headers, body, received_at, refusal, quoted(body))
    payload = decoded.value
    raw_payload = body if decoded.is_json and type(payload) is not str else quoted(body)
    context = Context(headers, received_at, sender.timezone, sender.mapping, at_once, sender.kinds)
    webhook = Webhook(
        sender=sender,
        id=uuid7_bytes(),
        received_at=received_at,
        headers=headers,
        body=body,
        raw_payload=raw_payload,
        fingerprint="",
        flags=decoded.flags,
    )
    try:
        webhook.signals = sender.source.parse(payload, context)
        webhook.idempotency_key = idempotency_key(sender.source, headers, payload)
        webhook.fingerprint = fingerprint(payload, sender.source.volatile)
    except InvalidPayload as error:
        refusal = invalid_payload(error.faults)
        return _unreadable(sender, headers, body, received_at, refusal, raw_payload)
    except TooMuchAtOnce:
        raise
    except Exception as error:
        log.error("ingest.fault", integration_id=str(sender.id), exc_info=error)
        metrics.FAULTS.inc()
        webhook.signals = []
        webhook.fingerprint = webhook.fingerprint or hashlib.sha256(body).hexdigest()
        webhook.settled = UNREADABLE_PAYLOAD
        return webhook
    if not webhook.signals:
        reason = sender.source.ignored_reason(payload, context)
        webhook.settled = Accepted(WebhookStatus.IGNORED, reason=reason)
    if sender.entry.bindings:
        part_pings(webhook)
    for signal in webhook.signals:
        if signal.flags:
            for flag in signal.flags:
                webhook.flag(flag)
    return webhook


def _unreadable(
    sender: Sender,
    headers: dict[str, str],
    body: bytes,
    received_at: datetime,
    refusal: Declined,
    raw_payload: bytes,
) -> Webhook:
    return Webhook(
        sender=sender,
        id=uuid7_bytes(),
        received_at=received_at,
        headers=headers,
        body=body,
        raw_payload=raw_payload,
        fingerprint=hashlib.sha256(body).hexdigest(),
        settled=refusal,
    )
