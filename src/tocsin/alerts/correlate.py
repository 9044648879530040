"""What a signal does to what is known of its alert key. Pure: values in, values out.

    no live alert ──trigger──▶ OPEN ──acknowledge──▶ ACKNOWLEDGED
                                 │                        │
                                 └───────resolve──────────┴──▶ RESOLVED   (next trigger: a new alert)

Three things are known of an alert key (one external id of one integration): its live alert (at most
one), and from its resolution mark the newest resolve seen and the newest alert that one ended.
Signals carry the sender's time; whoever is late changes nothing that a newer signal has settled:

- a signal older than the live alert's last one is recorded (`outdated`) and moves nothing;
- a trigger that fired no later than the resolve that ended an alert belongs to that alert;
- a trigger that fired no later than a resolve that found no alert is born resolved.

Equal times count as late for a trigger: tools repeat the firing time in every message of an episode.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from tocsin.model import (
    AlertEventKind,
    AlertStatus,
    Severity,
    Signal,
    SignalKind,
    WebhookStatus,
)


class AlertState(Struct):
    """What may change of an alert, and when its episode began."""

    id: bytes
    severity: Severity
    status: AlertStatus
    triggered_at: datetime
    last_signal_at: datetime
    last_received_at: datetime
    occurrence_count: int = 1
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None


class ResolutionMark(Struct):
    """The newest resolve seen of a key, and the newest alert that a resolve ended."""

    occurred_at: datetime
    alert_id: bytes | None = None
    alert_resolved_at: datetime | None = None


class KeyState(Struct):
    """All that is known of one alert key, inside one transaction."""

    alert: AlertState | None = None
    mark: ResolutionMark | None = None


class Happening(Struct, frozen=True):
    """One entry for the timeline."""

    kind: AlertEventKind
    detail: dict[str, Any] = {}


class Step(Struct):
    """What one signal did. `alert` is what it created or changed; `alert_id` alone is an alert that
    had ended before. `worsened`: the severity rose, so rules that the old one did not reach are
    asked again."""

    status: WebhookStatus
    alert_id: bytes | None = None
    alert: AlertState | None = None
    happenings: tuple[Happening, ...] = ()
    created: bool = False
    worsened: bool = False
    late_occurrence: bool = False
    marked: bool = False
    """The key's resolution mark changed."""
    reason: str | None = None
    flags: tuple[str, ...] = ()
    """What was doubtful, and accepted all the same."""


def correlate(
    state: KeyState,
    signal: Signal,
    *,
    new_id: bytes,
    default_severity: Severity,
    received_at: datetime,
) -> Step:
    """Apply `signal` to `state` (changed in place) and say what happened.

    The order of signals goes by the sender's time, never later than `received_at`: a sender whose
    clock runs ahead must not make its own later signals look old.
    """
    at = signal.occurred_at
    if at is None or at > received_at:
        at = received_at
    if signal.kind is SignalKind.UPDATE and state.alert is None:
        return Step(WebhookStatus.IGNORED, reason="there is no open alert to change")
    if signal.kind not in (SignalKind.ACKNOWLEDGE, SignalKind.RESOLVE):
        if state.alert is None:
            return _open(state, signal, new_id, default_severity, at, received_at)
        return _repeat(state.alert, signal, at, received_at)
    if signal.kind is SignalKind.ACKNOWLEDGE:
        return _acknowledge(state.alert, at)
    return _resolve(state, signal, at)


def _open(
    state: KeyState,
    signal: Signal,
    new_id: bytes,
    default_severity: Severity,
    at: datetime,
    received_at: datetime,
) -> Step:
    mark = state.mark
    if (
        mark is not None
        and mark.alert_id is not None
        and mark.alert_resolved_at is not None
        and at <= mark.alert_resolved_at
    ):
        return Step(
            WebhookStatus.UPDATED,
            mark.alert_id,
            None,
            (Happening(AlertEventKind.OUTDATED, {"signal": "trigger"}),),
            late_occurrence=True,
            reason="fired before this alert was resolved",
        )
    alert = AlertState(
        id=new_id,
        severity=signal.severity or default_severity,
        status=AlertStatus.OPEN,
        triggered_at=signal.triggered_at or at,
        last_signal_at=at,
        last_received_at=received_at,
    )
    triggered = Happening(AlertEventKind.TRIGGERED, {"severity": alert.severity.value})
    if mark is not None and at <= mark.occurred_at:
        alert.status = AlertStatus.RESOLVED
        alert.resolved_at = alert.last_signal_at = mark.occurred_at
        mark.alert_id, mark.alert_resolved_at = alert.id, mark.occurred_at
        return Step(
            WebhookStatus.CREATED,
            alert.id,
            alert,
            (triggered, Happening(AlertEventKind.RESOLVED, {"arrived": "before the trigger"})),
            created=True,
            marked=True,
            reason="its resolve had arrived first",
        )
    state.alert = alert
    return Step(WebhookStatus.CREATED, alert.id, alert, (triggered,), created=True)


def _repeat(alert: AlertState, signal: Signal, at: datetime, received_at: datetime) -> Step:
    alert.occurrence_count += 1
    alert.last_received_at = max(alert.last_received_at, received_at)
    repeated = Happening(AlertEventKind.REPEATED, {"occurrence_count": alert.occurrence_count})
    if at < alert.last_signal_at:
        return Step(WebhookStatus.UPDATED, alert.id, alert, (repeated,))
    alert.last_signal_at = at
    before, after = alert.severity, signal.severity
    if after is None or after is before:
        return Step(WebhookStatus.UPDATED, alert.id, alert, (repeated,))
    alert.severity = after
    changed = Happening(AlertEventKind.SEVERITY_CHANGED, {"from": before.value, "to": after.value})
    return Step(
        WebhookStatus.UPDATED,
        alert.id,
        alert,
        (repeated, changed),
        worsened=after.rank > before.rank,
    )


def _acknowledge(alert: AlertState | None, at: datetime) -> Step:
    if alert is None:
        return Step(WebhookStatus.IGNORED, reason="there is no open alert to acknowledge")
    if at < alert.last_signal_at:
        return _outdated(alert, "acknowledge")
    alert.last_signal_at = at
    if alert.status is AlertStatus.ACKNOWLEDGED:
        # Nothing to tell, but what is older than this is late from now on.
        return Step(
            WebhookStatus.IGNORED, alert.id, alert, reason="the alert was acknowledged already"
        )
    alert.status, alert.acknowledged_at = AlertStatus.ACKNOWLEDGED, at
    return Step(
        WebhookStatus.ACKNOWLEDGED, alert.id, alert, (Happening(AlertEventKind.ACKNOWLEDGED),)
    )


def _resolve(state: KeyState, signal: Signal, at: datetime) -> Step:
    alert, mark = state.alert, state.mark
    if alert is None:
        if mark is not None and at <= mark.occurred_at:
            return Step(WebhookStatus.IGNORED, reason="the alert was resolved already")
        if mark is None:
            state.mark = ResolutionMark(at)
        else:
            mark.occurred_at = at
        return Step(
            WebhookStatus.IGNORED,
            marked=True,
            reason="there is no open alert to resolve; remembered in case its trigger is late",
        )
    if at < alert.last_signal_at:
        return _outdated(alert, "resolve")
    # A resolve that tells no time of its own says only that it came after the last signal; taking
    # our clock for the sender's could swallow its next trigger.
    ended = at if signal.occurred_at is not None else alert.last_signal_at
    alert.status, alert.resolved_at, alert.last_signal_at = AlertStatus.RESOLVED, at, at
    state.mark = ResolutionMark(
        occurred_at=max(ended, mark.occurred_at) if mark else ended,
        alert_id=alert.id,
        alert_resolved_at=ended,
    )
    state.alert = None
    return Step(
        WebhookStatus.RESOLVED,
        alert.id,
        alert,
        (Happening(AlertEventKind.RESOLVED),),
        marked=True,
    )


def _outdated(alert: AlertState, signal: str) -> Step:
    return Step(
        WebhookStatus.IGNORED,
        alert.id,
        alert,
        (Happening(AlertEventKind.OUTDATED, {"signal": signal}),),
        reason="older than the last signal of this alert",
    )
