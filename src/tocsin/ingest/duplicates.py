"""Which webhooks of a batch are first, and whose repeats the others are.

A claim is a digest of the integration and a fingerprint (which decides about duplicates), or of the
integration and an idempotency key (a known key with other content is accepted, and flagged).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from tocsin.alerts.transaction import AlertTransaction
from tocsin.ingest.webhook import Accepted, Webhook
from tocsin.model import WebhookStatus
from tocsin.store import arrays
from tocsin.store.pipe import Call, Row
from tocsin.store.statements import prepared

KEY_REUSED = "idempotency_key_reused"


def _digest(webhook: Webhook, kind: bytes, value: str) -> bytes:
    return sha256(webhook.sender.entry.id_bytes + kind + value.encode()).digest()[:16]


@dataclass(slots=True)
class Duplicates:
    """The claims of one batch: `claim` in the database, then `settle`."""

    first: dict[bytes, Webhook] = field(default_factory=dict)
    """By digest: the first of this batch to claim it."""
    fingerprints: list[tuple[Webhook, bytes]] = field(default_factory=list)
    keys: list[tuple[Webhook, bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, webhooks: Iterable[Webhook]) -> Duplicates:
        """Of webhooks that carry signals; whatever was declined or ignored claims nothing, and a
        replay is meant to be done again."""
        claims = cls()
        for webhook in webhooks:
            if (
                not webhook.signals
                or not webhook.sender.entry.window
                or webhook.replay_of_id is not None
            ):
                continue
            digest = _digest(webhook, b"fingerprint", webhook.fingerprint)
            claims.fingerprints.append((webhook, digest))
            claims.first.setdefault(digest, webhook)
            if webhook.idempotency_key is not None:
                digest = _digest(webhook, b"key", webhook.idempotency_key)
                claims.keys.append((webhook, digest))
                claims.first.setdefault(digest, webhook)
        return claims

    def claim(self, now: datetime) -> Call:
        """The statement that claims them; its rows are for `settle`."""
        claimed = sorted(self.first.items())
        return prepared("claim_webhooks"), {
            "integration_ids": arrays.uuids(
                [webhook.sender.entry.id_bytes for _, webhook in claimed]
            ),
            "digests": arrays.uuids([digest for digest, _ in claimed]),
            "delivery_ids": arrays.uuids([webhook.id for _, webhook in claimed]),
            "expires": arrays.times(
                [webhook.received_at + webhook.sender.entry.window for _, webhook in claimed]
            ),
            "now": now,
            "count": len(claimed),
        }

    async def settle(self, transaction: AlertTransaction, claimed: list[Row]) -> None:
        """Mark duplicates and reused keys. A duplicate of a webhook of the same batch gets its
        answer later, from that webhook."""
        lost: dict[bytes, tuple[bytes, list[bytes]]] = {}
        if claimed:
            won = {digest.bytes for digest in claimed[0].won or ()}
            lost = await self._holders(transaction, self.first.keys() - won)
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
        self, transaction: AlertTransaction, digests: Iterable[bytes]
    ) -> dict[bytes, tuple[bytes, list[bytes]]]:
        asked = sorted(digests)
        integration_ids = [self.first[digest].sender.entry.id_bytes for digest in asked]
        rows = await transaction.run(
            (
                prepared("find_first_deliveries"),
                {
                    "integration_ids": arrays.uuids(integration_ids),
                    "digests": arrays.uuids(asked),
                },
            )
        )
        return {
            row.digest.bytes: (
                row.webhook_delivery_id.bytes,
                [alert_id.bytes for alert_id in row.alert_ids],
            )
            for row in rows
        }

    def forget(self) -> list[Call]:
        """The statement that gives up the claims of webhooks that turned out to do nothing."""
        idle = [
            (digest, webhook)
            for digest, webhook in sorted(self.first.items())
            if webhook.duplicate_of is None
            and isinstance(webhook.answer, Accepted)
            and webhook.answer.status is WebhookStatus.IGNORED
        ]
        if not idle:
            return []
        parameters = {
            "integration_ids": arrays.uuids([webhook.sender.entry.id_bytes for _, webhook in idle]),
            "digests": arrays.uuids([digest for digest, _ in idle]),
            "delivery_ids": arrays.uuids([webhook.id for _, webhook in idle]),
        }
        return [(prepared("forget_claims"), parameters)]
