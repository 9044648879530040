"""What alerts with leases were when they were last heard of.

What fires is said again every minute or two, with the same words. Whoever knows that can have such an
alert renewed in the database (`alerts/renewal`): to read it, decide and write it back costs three times
as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.correlate import AlertState
from tocsin.alerts.renewal import Renewal, Repeat
from tocsin.ingest.received_webhook import Webhook
from tocsin.model import Severity, Signal, SignalKind

REMEMBERED: Final = 32_768
"""Alerts, some 10 MB; of more, the older half is forgotten, and known again once it was read again."""


class _Known(Struct, frozen=True):
    id: bytes
    words_digest: bytes
    severity: Severity
    lock: int


class KnownAlerts:
    """Of one process. Nothing in it need be so any more: it says what is worth a try."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[AlertKey, _Known] = {}

    def note(self, webhook: Webhook, signal: Signal, alert: AlertState) -> None:
        """A signal has opened a live alert, or was its newest."""
        words = signal.words
        if words is None or words.digest != alert.words_digest or signal.external_id is None:
            return
        if len(self._known) >= REMEMBERED:
            for key in list(self._known)[: REMEMBERED // 2]:
                del self._known[key]
        key = AlertKey(webhook.sender.entry.id_bytes, signal.external_id)
        self._known[key] = _Known(alert.id, words.digest, alert.severity, key.lock)

    def renewal(self, webhooks: Iterable[Webhook]) -> Renewal | None:
        """What of a batch only says again what is so, most likely. None: nothing of it."""
        found: dict[AlertKey, Repeat | None] = {}
        for webhook in webhooks:
            sender_id, can_be = webhook.sender.entry.id_bytes, _can_be_renewed(webhook)
            for signal in webhook.signals:
                if signal.external_id is not None:
                    key = AlertKey(sender_id, signal.external_id)
                    # Whatever is said twice in a batch is decided in its order.
                    is_first = can_be and key not in found
                    found[key] = self._repeat(key, webhook, signal) if is_first else None
        repeats = {key: repeat for key, repeat in found.items() if repeat is not None}
        if not repeats:
            return None
        return Renewal(repeats, frozenset(self._known[key].lock for key in repeats))

    def _repeat(self, key: AlertKey, webhook: Webhook, signal: Signal) -> Repeat | None:
        known, words = self._known.get(key), signal.words
        lease, said_at = signal.lease, signal.occurred_at
        if (
            known is None
            or words is None
            or lease is None
            or said_at is None
            or signal.kind is not SignalKind.TRIGGER
            or words.digest != known.words_digest
            or (signal.severity is not known.severity and signal.severity is not None)
        ):
            return None
        return Repeat(
            known.id,
            known.words_digest,
            known.severity,
            min(said_at, webhook.received_at),
            webhook.received_at,
            webhook.shown.origin,
            lease.ends_at,
            lease.lapses_at,
        )


def _can_be_renewed(webhook: Webhook) -> bool:
    """Whether its signals are applied whatever else is known: it cannot turn out to be a duplicate."""
    profile = webhook.sender.profile
    return (
        webhook.sender.source.has_leases
        and webhook.sender.source.counts_copies
        and webhook.idempotency_key is None
        and webhook.replay_of_id is None
        and webhook.settled is None
        and not (profile is not None and profile.timestamp_is_signed)
    )
