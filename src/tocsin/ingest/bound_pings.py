"""Signals that are pings of bound heartbeats: taken out of a webhook before anything of them becomes an
alert. Only what says that something fires is a ping; its end says nothing."""

from __future__ import annotations

from typing import Final

from tocsin.heartbeats.beat import Ping, PingKind
from tocsin.heartbeats.pings import HeartbeatName, IncomingPing, found_by
from tocsin.ingest.received_webhook import Accepted, Webhook
from tocsin.model import Signal, SignalKind, WebhookStatus
from tocsin.routing.bindings import binding_of
from tocsin.routing.subject import Subject

METHOD: Final = "signal"

_PING: Final = Ping(PingKind.SUCCESS)


def part_pings(webhook: Webhook) -> None:
    """Move those signals of `webhook` that are pings into its pings."""
    entry = webhook.sender.entry
    signals: list[Signal] = []
    names: dict[HeartbeatName, None] = {}
    for signal in webhook.signals:
        subject = Subject(
            tenant_id=entry.tenant_id,
            integration_id=entry.id,
            external_id=signal.external_id,
            title=signal.title,
            severity=signal.severity or entry.default_severity,
            source=entry.name,
            type=entry.type,
            labels=signal.labels,
        )
        binding = binding_of(entry.bindings, subject)
        if binding is None:
            signals.append(signal)
        elif signal.kind is SignalKind.TRIGGER:
            id = binding.heartbeat_id.bytes
            values = binding.values(subject)
            names[
                found_by(id, tuple(zip(binding.labels, values, strict=True)))
                if values
                else HeartbeatName(id=id)
            ] = None
    if len(signals) == len(webhook.signals):
        return
    webhook.signals = signals
    webhook.pings = [IncomingPing(name, _PING, webhook.received_at, METHOD) for name in names]
    if not signals and webhook.settled is None:
        what = "a ping of a bound heartbeat" if names else "the end of what pings a heartbeat"
        webhook.settled = Accepted(WebhookStatus.IGNORED, reason=what)
