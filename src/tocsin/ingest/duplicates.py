"""Which webhooks of a batch are new, and which repeat another one.

A claim is a digest of the integration and one of three things:

- an idempotency key: known with the same content, it makes a duplicate for the whole window; with
  other content the webhook is accepted, and flagged;
- a signed time with its content: a sender of both again repeats one delivery, or has overheard it.
  Such a claim lives at least twice as long as that time is tolerated, window or not;
- a fingerprint: it makes a duplicate only while what the first delivery said still holds, for many
  tools send the same body again when an alert returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from msgspec import Struct

from tocsin.alerts.repeats import only_repeats
from tocsin.alerts.transaction import AlertTransaction
from tocsin.ingest.received_webhook import Accepted, Webhook
from tocsin.model import WebhookStatus
from tocsin.store import arrays
from tocsin.store.columns import OptionalText, Text, Time, Uuid, columns
from tocsin.store.pipe import Call, Row
from tocsin.store.statements import prepared

KEY_REUSED = "idempotency_key_reused"

RECALLED_FOR = timedelta(minutes=5)
"""How long a claim that had expired is held again: until a batch is committed."""


class _Holder(Struct, frozen=True):
    """The delivery that a claim belongs to, and the alerts it touched."""

    delivery_id: bytes
    fingerprint: str
    """Empty where the record of it is past its time."""
    alert_ids: tuple[bytes, ...]
    has_ended: bool = False
    """An alert that it opened without an external id has ended."""


class _Digests(NamedTuple):
    """The claims of one webhook."""

    content: bytes | None
    key: bytes | None
    signed: bytes | None


_NONE = _Digests(None, None, None)


@dataclass(slots=True)
class Duplicates:
    """The claims of one batch: `claim` them, `settle` what the database says, then, webhook by
    webhook, `find` before it is decided and `hold` after."""

    _first: dict[bytes, Webhook] = field(default_factory=dict)
    """By digest: the first of this batch to claim it."""
    _digests: dict[bytes, _Digests] = field(default_factory=dict)
    """By delivery."""
    _holders: dict[bytes, _Holder] = field(default_factory=dict)
    _taken_over: dict[bytes, Webhook] = field(default_factory=dict)
    _is_contested: bool = False
    """Two of the batch claim the same, or somebody held a claim before: rarely."""

    @classmethod
    def of(cls, webhooks: Iterable[Webhook]) -> Duplicates:
        """Of webhooks that carry signals; whatever was declined or ignored claims nothing, and a
        replay is meant to be done again."""
        claims = cls()
        for webhook in webhooks:
            if not webhook.signals or webhook.replay_of_id is not None:
                continue
            digests = _digests(webhook)
            for digest in digests:
                if digest is not None and claims._first.setdefault(digest, webhook) is not webhook:
                    claims._is_contested = True
            claims._digests[webhook.id] = digests
        return claims

    def claim(self, now: datetime, *, all_or_void: bool = False) -> Call | None:
        """The statement that claims them, if there is anything to claim; its rows are for `settle`.
        `all_or_void`: that they are all won is expected, and what the transaction writes is void
        otherwise."""
        if not self._first:
            return None
        claimed = sorted(self._first.items())
        webhooks = [webhook for _, webhook in claimed]
        return prepared("claim_webhooks"), {
            "integration_ids": arrays.uuids([each.sender.entry.id_bytes for each in webhooks]),
            "digests": arrays.uuids([digest for digest, _ in claimed]),
            "delivery_ids": arrays.uuids([each.id for each in webhooks]),
            "expires": arrays.times([_expires(each) for each in webhooks]),
            "now": now,
            "count": len(claimed),
            "all_or_void": int(all_or_void),
        }

    def release(self, claim: Call) -> Call:
        """The statement that gives up what `claim` won, where what the transaction writes is void."""
        _, parameters = claim
        names = ("integration_ids", "digests", "delivery_ids")
        return prepared("release_claims"), {name: parameters[name] for name in names}

    async def settle(self, transaction: AlertTransaction, claimed: list[Row]) -> None:
        """Find the holders of the claims that others hold."""
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
        self._is_contested = True
        for row in rows:
            self._holders[row.digest.bytes] = _Holder(
                row.webhook_delivery_id.bytes,
                row.content_fingerprint,
                tuple(alert_id.bytes for alert_id in row.alert_ids),
                row.has_ended,
            )

    def find(self, transaction: AlertTransaction, webhook: Webhook) -> None:
        """Answer `webhook` if it is a duplicate, and flag a key that came with other content."""
        if not self._is_contested:
            return
        content, key, signed = self._digests.get(webhook.id, _NONE)
        holder = None if key is None else self._holders.get(key)
        if holder is not None and not self._says_the_same(holder, webhook, content):
            webhook.flag(KEY_REUSED)
            holder = None
        if holder is None and signed is not None:
            holder = self._holders.get(signed)
        if holder is None:
            holder = None if content is None else self._holders.get(content)
            if holder is None or not _still_holds(holder, transaction, webhook):
                return
        if KEY_REUSED in webhook.flags:
            webhook.flags = tuple(flag for flag in webhook.flags if flag != KEY_REUSED)
        for digest in (key, signed):
            if digest is not None:
                self._holders.setdefault(digest, holder)
        webhook.duplicate_of = holder.delivery_id
        webhook.answer = Accepted(
            WebhookStatus.DUPLICATE,
            tuple((alert_id, WebhookStatus.DUPLICATE) for alert_id in holder.alert_ids),
        )

    def _says_the_same(self, holder: _Holder, webhook: Webhook, content: bytes | None) -> bool:
        """Whether the holder of its key came with the content of `webhook`."""
        if holder.fingerprint:
            return holder.fingerprint == webhook.fingerprint
        of_content = None if content is None else self._holders.get(content)
        return of_content is not None and of_content.delivery_id == holder.delivery_id

    def hold(self, webhook: Webhook) -> None:
        """From now on the claims of `webhook`, which was decided and is no duplicate, are its own,
        except for a key that another had before it."""
        if not self._is_contested or not isinstance(webhook.answer, Accepted):
            return
        content, key, signed = self._digests.get(webhook.id, _NONE)
        alert_ids = tuple(alert_id for alert_id, _ in webhook.answer.alerts)
        holder = _Holder(webhook.id, webhook.fingerprint, alert_ids)
        if content is not None:
            if content in self._holders or self._first[content] is not webhook:
                self._taken_over[content] = webhook
            self._holders[content] = holder
        for digest in (key, signed):
            if digest is not None:
                self._holders.setdefault(digest, holder)

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


class _Recalled(Struct):
    """A claim that somebody may have held when a webhook was received."""

    integration_id: Uuid
    digest: Uuid
    delivery_id: Uuid
    key: OptionalText
    """None: it is that of a fingerprint."""
    fingerprint: Text
    since: Time
    until: Time


def recall(webhooks: Iterable[Webhook], now: datetime) -> Call:
    """The statement that holds again what others had claimed when `webhooks` were received: those have
    waited in the spool, and claims expire by the clock, which did not stop meanwhile."""
    claims: list[_Recalled] = []
    for webhook in webhooks:
        if not webhook.signals:
            continue
        entry, digests = webhook.sender.entry, _digests(webhook)
        since, until = webhook.received_at - entry.window, webhook.received_at + entry.window
        for digest, key in ((digests.content, None), (digests.key, webhook.idempotency_key)):
            if digest is not None:
                of = (entry.id_bytes, digest, webhook.id, key, webhook.fingerprint)
                claims.append(_Recalled(*of, since, until))
    claims.sort(key=lambda claim: claim.digest)
    expires_at = now + RECALLED_FOR
    return prepared("recall_claims"), {
        **columns(_Recalled, claims),
        "now": now,
        "expires_at": expires_at,
    }


def _digest(webhook: Webhook, kind: bytes, value: str) -> bytes:
    return sha256(webhook.sender.entry.id_bytes + kind + value.encode()).digest()[:16]


def _digests(webhook: Webhook) -> _Digests:
    content = key = signed = None
    if webhook.sender.entry.window:
        if not webhook.sender.source.counts_copies:
            content = _digest(webhook, b"fingerprint", webhook.fingerprint)
        if webhook.idempotency_key is not None:
            key = _digest(webhook, b"key", webhook.idempotency_key)
    profile = webhook.sender.profile
    if (
        profile is not None
        and profile.timestamp_is_signed
        and (time := profile.signed_time(webhook.headers))
    ):
        signed = _digest(webhook, b"signed", f"{time}:{webhook.fingerprint}")
    return _Digests(content, key, signed)


def _expires(webhook: Webhook) -> datetime:
    lifetime, profile = webhook.sender.entry.window, webhook.sender.profile
    if profile is not None and profile.timestamp_is_signed:
        lifetime = max(lifetime, timedelta(seconds=2 * profile.timestamp_tolerance_seconds))
    return webhook.received_at + lifetime


def _still_holds(holder: _Holder, transaction: AlertTransaction, webhook: Webhook) -> bool:
    return not holder.has_ended and only_repeats(
        transaction, webhook.sender.entry, webhook.signals, frozenset(holder.alert_ids)
    )
