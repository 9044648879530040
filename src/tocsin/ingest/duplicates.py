"""Which webhooks of a batch are first, and whose repeats the others are.

A claim is a digest of the integration and a fingerprint, or of the integration and an idempotency
key. A known key with the same content makes a duplicate for the whole window; with other content it
is accepted, and flagged. A known fingerprint makes a duplicate only while what the first delivery
said still holds: many tools send the very same body again when a problem returns.
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


@dataclass(frozen=True, slots=True)
class _Holder:
    """The delivery that a claim belongs to, and the alerts it touched."""

    delivery_id: bytes
    fingerprint: str
    alert_ids: tuple[bytes, ...]
    has_ended: bool = False
    """An alert that it opened without an external id has ended."""


@dataclass(slots=True)
class Duplicates:
    """The claims of one batch: `claim` them, `settle` what the database says, then, webhook by
    webhook, `find` before it is decided and `hold` after."""

    _first: dict[bytes, Webhook] = field(default_factory=dict)
    """By digest: the first of this batch to claim it."""
    _digests: dict[bytes, tuple[bytes, bytes | None]] = field(default_factory=dict)
    """By delivery: of its fingerprint, and of its key."""
    _holders: dict[bytes, _Holder] = field(default_factory=dict)
    _taken_over: dict[bytes, Webhook] = field(default_factory=dict)

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
            content, key = _digest(webhook, b"fingerprint", webhook.fingerprint), None
            claims._first.setdefault(content, webhook)
            if webhook.idempotency_key is not None:
                key = _digest(webhook, b"key", webhook.idempotency_key)
                claims._first.setdefault(key, webhook)
            claims._digests[webhook.id] = content, key
        return claims

    def claim(self, now: datetime) -> Call:
        """The statement that claims them; its rows are for `settle`."""
        claimed = sorted(self._first.items())
        webhooks = [webhook for _, webhook in claimed]
        return prepared("claim_webhooks"), {
            "integration_ids": arrays.uuids([each.sender.entry.id_bytes for each in webhooks]),
            "digests": arrays.uuids([digest for digest, _ in claimed]),
            "delivery_ids": arrays.uuids([each.id for each in webhooks]),
            "expires": arrays.times([_expires(each) for each in webhooks]),
            "now": now,
            "count": len(claimed),
        }

    async def settle(self, transaction: AlertTransaction, claimed: list[Row]) -> None:
        """Find out whose the claims are that others hold."""
        if not claimed:
            return
        lost = sorted(self._first.keys() - {digest.bytes for digest in claimed[0].won or ()})
        integration_ids = [self._first[digest].sender.entry.id_bytes for digest in lost]
        rows = await transaction.run(
            (
                prepared("find_first_deliveries"),
                {
                    "integration_ids": arrays.uuids(integration_ids),
                    "digests": arrays.uuids(lost),
                },
            )
        )
        for row in rows:
            self._holders[row.digest.bytes] = _Holder(
                row.webhook_delivery_id.bytes,
                row.content_fingerprint,
                tuple(alert_id.bytes for alert_id in row.alert_ids),
                row.has_ended,
            )

    def find(self, transaction: AlertTransaction, webhook: Webhook) -> None:
        """Answer `webhook` if it is a duplicate, and flag a key that came with other content."""
        content, key = self._digests.get(webhook.id, (None, None))
        if content is None:
            return
        holder = None if key is None else self._holders.get(key)
        if holder is not None and holder.fingerprint != webhook.fingerprint:
            webhook.flag(KEY_REUSED)
            holder = None
        if holder is None:
            holder = self._holders.get(content)
            if holder is None or not _still_holds(holder, transaction, webhook):
                return
        if KEY_REUSED in webhook.flags:
            webhook.flags = tuple(flag for flag in webhook.flags if flag != KEY_REUSED)
        if key is not None:
            self._holders.setdefault(key, holder)
        webhook.duplicate_of = holder.delivery_id
        webhook.answer = Accepted(
            WebhookStatus.DUPLICATE,
            tuple((alert_id, WebhookStatus.DUPLICATE) for alert_id in holder.alert_ids),
        )

    def hold(self, webhook: Webhook) -> None:
        """From now on the claims of `webhook`, which was decided and is no duplicate, are its own,
        but for a key that another had before it."""
        content, key = self._digests.get(webhook.id, (None, None))
        if content is None or not isinstance(webhook.answer, Accepted):
            return
        alert_ids = tuple(alert_id for alert_id, _ in webhook.answer.alerts)
        holder = _Holder(webhook.id, webhook.fingerprint, alert_ids)
        if content in self._holders or self._first[content] is not webhook:
            self._taken_over[content] = webhook
        self._holders[content] = holder
        if key is not None:
            self._holders.setdefault(key, holder)

    def calls(self) -> list[Call]:
        """The statements that give claims to those that hold them in the end: claims of webhooks
        that turned out to do nothing are given up."""
        calls: list[Call] = []
        taken = sorted(self._taken_over.items())
        if taken:
            webhooks = [webhook for _, webhook in taken]
            parameters = {
                "integration_id": arrays.uuids([each.sender.entry.id_bytes for each in webhooks]),
                "digest": arrays.uuids([digest for digest, _ in taken]),
                "webhook_delivery_id": arrays.uuids([each.id for each in webhooks]),
                "expires_at": arrays.times([_expires(each) for each in webhooks]),
            }
            calls.append((prepared("take_over_claims"), parameters))
        idle = [
            (digest, webhook)
            for digest, webhook in sorted({**self._first, **self._taken_over}.items())
            if webhook.duplicate_of is None
            and isinstance(webhook.answer, Accepted)
            and webhook.answer.status is WebhookStatus.IGNORED
        ]
        if idle:
            webhooks = [webhook for _, webhook in idle]
            parameters = {
                "integration_ids": arrays.uuids([each.sender.entry.id_bytes for each in webhooks]),
                "digests": arrays.uuids([digest for digest, _ in idle]),
                "delivery_ids": arrays.uuids([each.id for each in webhooks]),
            }
            calls.append((prepared("forget_claims"), parameters))
        return calls


def _digest(webhook: Webhook, kind: bytes, value: str) -> bytes:
    return sha256(webhook.sender.entry.id_bytes + kind + value.encode()).digest()[:16]


def _expires(webhook: Webhook) -> datetime:
    return webhook.received_at + webhook.sender.entry.window


def _still_holds(holder: _Holder, transaction: AlertTransaction, webhook: Webhook) -> bool:
    return not holder.has_ended and transaction.only_repeats(
        webhook.sender.entry, webhook.signals, frozenset(holder.alert_ids)
    )
