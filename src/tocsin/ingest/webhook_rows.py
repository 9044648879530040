"""The record of each webhook of a batch, as rows of `webhook_deliveries`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from tocsin.ingest.proof.redact import sanitised_headers
from tocsin.ingest.received_webhook import Accepted, Declined, Webhook
from tocsin.ingest.sources.kit.storable import clean_text
from tocsin.model import SPOOLED_FLAG, Secret
from tocsin.store.columns import (
    Integer,
    Json,
    OptionalText,
    OptionalUuid,
    Text,
    Time,
    Uuid,
    columns,
)
from tocsin.store.pipe import Call
from tocsin.store.statements import prepared

_json = msgspec.json.Encoder().encode
_NO_FLAGS = "{}"
_ERROR_LIMIT = 2_000


class WebhookRow(Struct):
    id: Uuid
    integration_id: Uuid
    idempotency_key: OptionalText
    content_fingerprint: Text
    raw_payload: Json
    headers: Json
    status_code: Integer
    outcome: Text
    error_message: OptionalText
    flags: Text
    processed_at: Time
    alert_id: OptionalUuid
    duplicate_of_id: OptionalUuid
    replay_of_id: OptionalUuid
    created_at: Time


def insert_webhooks(webhooks: Iterable[Webhook], now: datetime) -> Call:
    """The statement that puts answered webhooks on record."""
    rows = [_row(webhook, now) for webhook in webhooks]
    return prepared("insert_webhook_deliveries"), columns(WebhookRow, rows)


def _row(webhook: Webhook, now: datetime) -> WebhookRow:
    answer = webhook.answer
    error: str | None
    if isinstance(answer, Accepted):
        outcome: str = answer.status
        error = answer.reason
        alert_id = None if outcome in ("duplicate", "ignored") else answer.alert_id
    else:
        assert isinstance(answer, Declined)
        outcome, error, alert_id = answer.outcome, answer.detail, None
    if error is not None:
        # It may quote the sender.
        error, _ = clean_text(error, _ERROR_LIMIT)
    return WebhookRow(
        id=webhook.id,
        integration_id=webhook.sender.entry.id_bytes,
        idempotency_key=webhook.idempotency_key,
        content_fingerprint=webhook.fingerprint,
        raw_payload=webhook.raw_payload,
        headers=_json(sanitised_headers(webhook.headers, webhook.sender.profile, _sent(webhook))),
        status_code=webhook.status_code,
        outcome=outcome,
        error_message=error,
        flags=_flags(webhook),
        processed_at=now,
        alert_id=alert_id,
        duplicate_of_id=webhook.duplicate_of,
        replay_of_id=None if webhook.replay_of_id is None else webhook.replay_of_id.bytes,
        created_at=webhook.stored_at or webhook.received_at,
    )


def _flags(webhook: Webhook) -> str:
    flags = webhook.flags if webhook.answered is None else (*webhook.flags, SPOOLED_FLAG)
    return f"{{{','.join(flags)}}}" if flags else _NO_FLAGS


def _sent(webhook: Webhook) -> str | None:
    """What it came with in clear."""
    proof = webhook.shown.proof
    return (
        proof.reveal().decode("latin-1") if isinstance(proof, Secret) else webhook.shown.path_secret
    )
