"""Which webhooks of a batch are first, and whose repeats the others are.

A claim is a digest of the integration and a fingerprint (which decides about duplicates), or of the
integration and an idempotency key (a known key with other content is accepted, and flagged).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from tocsin.ingest.webhook import Accepted, Webhook
from tocsin.model import WebhookStatus
from tocsin.store import arrays
from tocsin.store.pipe import Pipe
from tocsin.store.statements import prepared

KEY_REUSED = "idempotency_key_reused"


def _digest(webhook: Webhook, kind: bytes, value: str) -> bytes:
    return sha256(webhook.entry.id_bytes + kind + value.encode()).digest()[:16]


@dataclass(slots=True)
class Claims:
    """The claims of one batch. Build it, put `statement` to the database, then `settle`."""

    first: dict[bytes, Webhook] = field(default_factory=dict)
    """By digest: the first of this batch to claim it."""
    fingerprints: list[tuple[Webhook, bytes]] = field(default_factory=list)
    keys: list[tuple[Webhook, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, webhooks: Iterable[Webhook]) -> Claims:
        """Of webhooks that carry signals; whatever was declined or ignored claims nothing, and a
        replay is meant to be done again."""
        claims = cls()
        for webhook in webhooks:
            if not webhook.signals or not webhook.entry.window or webhook.replay_of_id is not None:
                continue
            digest = _digest(webhook, b"fingerprint", webhook.fingerprint)
            claims.fingerprints.append((webhook, digest))
            claims.first.setdefault(digest, webhook)
            if webhook.idempotency_key is not None:
                digest = _digest(webhook, b"key", webhook.idempotency_key)
                claims.keys.append((webhook, digest))
                claims.first.setdefault(digest, webhook)
        return claims

    def parameters(self, now: datetime) -> dict[str, Any]:
        claimed = sorted(self.first.items())
        return {
            "integration_ids": arrays.uuids([webhook.entry.id_bytes for _, webhook in claimed]),
            "digests": arrays.uuids([digest for digest, _ in claimed]),
            "delivery_ids": arrays.uuids([webhook.id for _, webhook in claimed]),
            "expires": arrays.times(
                [webhook.received_at + webhook.entry.window for _, webhook in claimed]
            ),
            "now": now,
            "count": len(claimed),
        }

    async def settle(self, pipe: Pipe, won: set[bytes] | None) -> None:
        """Mark duplicates and reused keys. `won` is what the database granted; None means all.

        A duplicate of a webhook of the same batch gets its answer later, from that webhook.
        """
        lost = {} if won is None else await self._holders(pipe, self.first.keys() - won)
        for webhook, digest in self.fingerprints:
            if (holder := lost.get(digest)) is not None:
                webhook.duplicate_of = holder[0]
                webhook.answer = Accepted(
                    WebhookStatus.DUPLICATE,
                    tuple((alert_id, WebhookStatus.DUPLICATE) for alert_id in holder[1]),
                )
            elif (first := self.first[digest]) is not webhook:
                webhook.duplicate_of = first.id
        for webhook, digest in self.keys:
            reused = digest in lost or self.first[digest] is not webhook
            if reused and webhook.duplicate_of is None:
                webhook.flag(KEY_REUSED)

    async def _holders(
        self, pipe: Pipe, digests: Iterable[bytes]
    ) -> dict[bytes, tuple[bytes, list[bytes]]]:
        asked = sorted(digests)
        (rows,) = await pipe.run(
            (
                prepared("find_first_deliveries"),
                {
                    "integration_ids": arrays.uuids([self.first[d].entry.id_bytes for d in asked]),
                    "digests": arrays.uuids(asked),
                },
            )
        )
        return {
            digest.bytes: (delivery_id.bytes, [alert_id.bytes for alert_id in alert_ids])
            for digest, delivery_id, alert_ids in rows
        }

    def to_forget(self) -> dict[str, Any] | None:
        """Claims of webhooks that turned out to do nothing, as parameters of `forget_claims`."""
        idle = [
            (digest, webhook)
            for digest, webhook in sorted(self.first.items())
            if webhook.duplicate_of is None
            and isinstance(webhook.answer, Accepted)
            and webhook.answer.status is WebhookStatus.IGNORED
        ]
        if not idle:
            return None
        return {
            "integration_ids": arrays.uuids([webhook.entry.id_bytes for _, webhook in idle]),
            "digests": arrays.uuids([digest for digest, _ in idle]),
            "delivery_ids": arrays.uuids([webhook.id for _, webhook in idle]),
        }
