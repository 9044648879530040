"""Leases on alerts: until when each sender says that they fire.

A sender that repeats itself (Prometheus) names with each repeat the time at which what it says runs out.
Two of them may say the same of one alert (a pair of replicas): what one resolves goes on for as long as
the lease of the other. `timers/alert_leases.py` ends alerts whose leases have all run out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from msgspec import Struct

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.correlate import Step
from tocsin.alerts.renewal import Renewal
from tocsin.alerts.transaction import AlertTransaction
from tocsin.ingest.known_alerts import KnownAlerts
from tocsin.ingest.received_webhook import Webhook
from tocsin.model import Lease, Signal, SignalKind
from tocsin.store import arrays
from tocsin.store.columns import Time, Uuid, columns
from tocsin.store.pipe import Call
from tocsin.store.statements import prepared

STILL_FIRING: Final = "another sender still says that it fires"


class _LeaseKey(NamedTuple):
    alert_id: bytes
    sender: bytes


class LeaseRow(Struct):
    alert_id: Uuid
    sender: Uuid
    ends_at: Time
    lapses_at: Time


@dataclass(slots=True)
class AlertLeases:
    """Those of one batch, of webhooks whose sources know leases."""

    now: datetime
    _kept: dict[_LeaseKey, Lease] = field(default_factory=dict)
    _ended: set[_LeaseKey] = field(default_factory=set)
    _lasting: dict[bytes, dict[bytes, datetime]] = field(default_factory=dict)
    """By alert that somebody resolves: until when the lease of each sender lasts."""

    known: KnownAlerts | None = None
    renewal: Renewal | None = None
    """Alerts that only go on, and their leases with them."""

    @classmethod
    def of(
        cls, webhooks: Sequence[Webhook], now: datetime, known: KnownAlerts | None = None
    ) -> AlertLeases | None:
        """None where no webhook has to do with leases."""
        if not any(webhook.sender.source.has_leases for webhook in webhooks):
            return None
        renewal = None if known is None else known.renewal(webhooks)
        return cls(now, known=known, renewal=renewal)

    def renewed(self, webhook: Webhook, signal: Signal) -> bytes | None:
        """The alert that a signal has renewed already; None: the signal is to be applied."""
        if self.renewal is None or signal.external_id is None:
            return None
        key = AlertKey(webhook.sender.entry.id_bytes, signal.external_id)
        repeat = self.renewal.repeats.get(key)
        return repeat.id if repeat is not None and self.renewal.has_renewed(repeat.id) else None

    async def read(self, transaction: AlertTransaction, webhooks: Iterable[Webhook]) -> None:
        """What others say of the alerts that somebody resolves, inside the transaction."""
        alerts = {
            alert_id
            for webhook in webhooks
            if webhook.sender.source.has_leases
            for signal in webhook.signals
            if signal.kind is SignalKind.RESOLVE
            and (alert_id := _live(transaction, webhook, signal)) is not None
        }
        if not alerts:
            return
        ids = arrays.uuids(sorted(alerts))
        for row in await transaction.run((prepared("read_leases"), {"alert_ids": ids})):
            of_alert = self._lasting.setdefault(row.alert_id.bytes, {})
            of_alert[row.sender.bytes] = row.lapses_at

    def outlives(self, transaction: AlertTransaction, webhook: Webhook, signal: Signal) -> bool:
        """Whether the lease of another sender outlives a resolve, which then ends only the lease of
        its own."""
        if signal.kind is not SignalKind.RESOLVE or not webhook.sender.source.has_leases:
            return False
        alert_id = _live(transaction, webhook, signal)
        if alert_id is None:
            return False
        key = _LeaseKey(alert_id, webhook.shown.origin)
        self._ended.add(key)
        self._kept.pop(key, None)
        lasting = self._lasting.setdefault(alert_id, {})
        lasting.pop(key.sender, None)
        return any(lapses_at > self.now for lapses_at in lasting.values())

    def keep(self, webhook: Webhook, signal: Signal, step: Step) -> None:
        """Note the lease on the live alert that a signal is about."""
        if signal.lease is None or step.alert is None or not step.alert.status.is_live:
            return
        if self.known is not None:
            self.known.note(webhook, signal, step.alert)
        key = _LeaseKey(step.alert.id, webhook.shown.origin)
        self._kept[key] = signal.lease
        self._lasting.setdefault(key.alert_id, {})[key.sender] = signal.lease.lapses_at

    def calls(self) -> list[Call]:
        """The statements that write it down."""
        calls: list[Call] = []
        if self._ended:
            ended = sorted(self._ended)
            calls.append(
                (
                    prepared("end_leases"),
                    {
                        "alert_id": arrays.uuids([key.alert_id for key in ended]),
                        "sender": arrays.uuids([key.sender for key in ended]),
                    },
                )
            )
        if self._kept:
            rows = [
                LeaseRow(key.alert_id, key.sender, lease.ends_at, lease.lapses_at)
                for key, lease in sorted(self._kept.items())
            ]
            calls.append((prepared("keep_leases"), columns(LeaseRow, rows)))
        return calls


def _live(transaction: AlertTransaction, webhook: Webhook, signal: Signal) -> bytes | None:
    if signal.external_id is None:
        return None
    return transaction.live_alert(AlertKey(webhook.sender.entry.id_bytes, signal.external_id))
