"""What a mapping would make of payloads, and what it may be: nothing is kept, and nobody is notified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from tocsin.ingest.kept import restored
from tocsin.ingest.received_webhook import Accepted, Declined, Webhook
from tocsin.ingest.replay import signal_shown
from tocsin.ingest.senders import Sender
from tocsin.ingest.sources.kit.decode import InvalidPayload, decode
from tocsin.ingest.sources.kit.mapping import compile_mapping
from tocsin.ingest.suggestion.suggest import Suggestion, suggest
from tocsin.ingest.understand import STORED_LIMIT, interpret, interpret_stored
from tocsin.ingest.unpack import unpack
from tocsin.store.stored_webhooks import WebhookOnRecord
from tocsin.turns import at_once_aside

_JSON = {"content-type": "application/json"}
_TRUNCATED = "Only the beginning of its body was kept."
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Tried:
    """One payload. `delivery_id` and `outcome_before` are of one on record."""

    delivery_id: UUID | None
    outcome_before: str | None
    status: str
    """`signals`, `ignored`, or the outcome of a refusal: `invalid`, say."""
    detail: str | None
    errors: Sequence[dict[str, str]]
    signals: Sequence[dict[str, Any]]
    flags: Sequence[str]

    def document(self) -> dict[str, Any]:
        return {
            "delivery_id": None if self.delivery_id is None else str(self.delivery_id),
            "outcome_before": self.outcome_before,
            "status": self.status,
            "detail": self.detail,
            "errors": list(self.errors),
            "signals": list(self.signals),
            "flags": list(self.flags),
        }


def with_mapping(sender: Sender, mapping: dict[str, Any] | None) -> Sender:
    """The sender as it would be with this mapping, which is a valid one."""
    return replace(sender, mapping=compile_mapping(mapping) if mapping else None)


async def try_payload(sender: Sender, payload: Any, now: datetime) -> Tried:
    """A document as it would be posted."""
    webhook = await at_once_aside(interpret, sender, _JSON, _encode(payload), now)
    return _tried(sender, webhook, None)


async def try_stored(sender: Sender, stored: WebhookOnRecord) -> Tried:
    """A delivery on record, the rejected included."""
    if "payload_truncated" in stored.flags:
        return Tried(stored.id, stored.outcome, "truncated", _TRUNCATED, (), (), ())
    webhook = await at_once_aside(
        interpret_stored, sender, dict(stored.headers), stored.body, stored.created_at
    )
    return _tried(sender, webhook, stored)


async def suggest_for(
    payloads: Sequence[Any], stored: Sequence[WebhookOnRecord]
) -> tuple[Suggestion, int]:
    """What a mapping may be for payloads, given and on record, the rejected included; and how many
    on record could not be read."""
    return await at_once_aside(_suggest_for, payloads, stored)


def _suggest_for(
    payloads: Sequence[Any], stored: Sequence[WebhookOnRecord]
) -> tuple[Suggestion, int]:
    read_ones = [payload for each in stored if (payload := _payload_of(each)) is not None]
    return suggest([*payloads, *read_ones]), len(stored) - len(read_ones)


def _payload_of(stored: WebhookOnRecord) -> Any | None:
    if "payload_truncated" in stored.flags:
        return None
    headers = dict(stored.headers)
    body, is_as_sent = restored(stored.body)
    try:
        text = unpack(body, headers, STORED_LIMIT) if is_as_sent else body
        return None if isinstance(text, Declined) else decode(text, headers.get("content-type"))
    except InvalidPayload:
        return None


def _tried(sender: Sender, webhook: Webhook, stored: WebhookOnRecord | None) -> Tried:
    status, detail = "signals", None
    errors: Sequence[dict[str, str]] = ()
    settled = webhook.settled
    if isinstance(settled, Accepted):
        status, detail = settled.status.value, settled.reason
    elif isinstance(settled, Declined):
        status, detail, errors = settled.outcome.value, settled.detail, settled.faults
    return Tried(
        None if stored is None else stored.id,
        None if stored is None else stored.outcome,
        status,
        detail,
        errors,
        [signal_shown(signal, sender, webhook) for signal in webhook.signals],
        webhook.flags,
    )
