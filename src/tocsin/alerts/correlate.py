"""What a signal does to what is known of its alert key. Pure: values in, values out.

    no live alert ──trigger──▶ OPEN ◀──unacknowledge── ACKNOWLEDGED
                                 │ ──acknowledge─────────▶  │
                                 └───────resolve────────────┴──▶ RESOLVED   (next trigger: a new alert)

Three things are known of an alert key (one external id of one integration): its live alert (at most
one), and from its resolution mark the newest resolve seen and the newest alert that ended.
Signals carry the sender's time; whoever is late changes nothing that a newer signal has settled:

- a signal older than the live alert's last one is recorded (`outdated`) and moves nothing;
- a trigger that fired no later than the end of an alert belongs to that alert (it is late), unless it
  cannot be late: a sender that sends in order says that it is back (its end was only a lease
  that ran out), and so does any other that says so more than a minute after the end came in. Then it
  is a new episode with an `old_start`;
- a trigger that fired no later than a resolve that found no alert is born resolved, unless its sender
  sends in order.

Equal times count as late for a trigger: tools repeat the firing time in every message of an episode.
"""

from __future__ import annotations

from datetime import datetime, timedelta
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
from tocsin.routing.flapping import SEVERITY_CHANGE, STATE_CHANGE, Flaps
from tocsin.routing.subject import ActiveSnooze


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
    title: str = ""
    words_digest: bytes | None = None
    """See `AlertWords`; None: an earlier version wrote the alert."""
    snooze: ActiveSnooze | None = None
    created_at: datetime | None = None
    """When its first webhook came in; None where nobody asks."""
    flaps: Flaps | None = None
    """None: it has opened, and that is all."""


LATE_FOR = timedelta(minutes=1)
"""A trigger of an ended episode may arrive this long after its end and still be a late part of it."""

_TICK = timedelta(microseconds=1)


class ResolutionMark(Struct):
    """The newest resolve seen of a key, and the newest alert that ended. `alert_resolved_at` is the
    sender's time up to which a trigger belongs to that alert, `arrived_at` when its end came in."""

    occurred_at: datetime
    alert_id: bytes | None = None
    alert_resolved_at: datetime | None = None
    arrived_at: datetime | None = None

    def is_late(self, received_at: datetime) -> bool:
        """Whether what comes in now may still be on its way from before the end."""
        return self.arrived_at is not None and received_at - self.arrived_at <= LATE_FOR


class KeyState(Struct):
    """All that is known of one alert key, inside one transaction."""

    alert: AlertState | None = None
    mark: ResolutionMark | None = None
    ended: AlertState | None = None
    """The alert that a new episode opens again, because it keeps coming and going."""
    flaps: Flaps | None = None
    """Of its newest alert, which has ended."""


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
    reopened: bool = False
    """The source took its acknowledgement back: that is notified like a trigger."""
    may_free: bool = False
    """What holds the alert back may do so no longer: its severity changed."""
    is_newest: bool = False
    """The signal's words are the newest of its live alert."""
    late_occurrence: bool = False
    weight: float = 0.0
    """What it counts for where an alert may flap."""
    marked: bool = False
    """The key's resolution mark changed."""
    reason: str | None = None
    flags: tuple[str, ...] = ()
    """What was doubtful, and accepted all the same."""

    def annotate(self, detail: dict[str, Any]) -> None:
        """Add to what the timeline says; an update has no entry of its own except for this."""
        first, *others = self.happenings or (Happening(AlertEventKind.UPDATED),)
        self.happenings = (Happening(first.kind, {**first.detail, **detail}), *others)


def correlate(
    state: KeyState,
    signal: Signal,
    *,
    new_id: bytes,
    default_severity: Severity,
    received_at: datetime,
    in_order: bool,
) -> Step:
    """Apply `signal` to `state` (changed in place) and say what happened. `in_order`: the sender
    never sends a signal before an older one has been accepted.

    The order of signals goes by the sender's time, never later than `received_at`: a sender whose
    clock runs ahead must not make its own later signals look old.
    """
    at = signal.occurred_at
    if at is None or at > received_at:
        at = received_at
    if signal.occurred_at is None and state.alert is not None:
        # It says only that it came after the last one, whatever the clocks of nodes say.
        at = max(at, state.alert.last_signal_at)
    match signal.kind:
        case SignalKind.TRIGGER if state.alert is None:
            return _open(state, signal, new_id, default_severity, at, received_at, in_order)
        case SignalKind.TRIGGER | SignalKind.UPDATE:
            return _renew(state.alert, signal, at, received_at)
        case SignalKind.ACKNOWLEDGE:
            return _acknowledge(state.alert, at)
        case SignalKind.UNACKNOWLEDGE:
            return _unacknowledge(state.alert, at)
        case SignalKind.RESOLVE:
            return _resolve(state, signal, at, received_at)


def _open(
    state: KeyState,
    signal: Signal,
    new_id: bytes,
    default_severity: Severity,
    at: datetime,
    received_at: datetime,
    in_order: bool,
) -> Step:
    mark = state.mark
    alert = AlertState(
        id=new_id,
        severity=signal.severity or default_severity,
        status=AlertStatus.OPEN,
        triggered_at=signal.triggered_at or at,
        last_signal_at=at,
        last_received_at=received_at,
        created_at=received_at,
    )
    triggered = Happening(AlertEventKind.TRIGGERED, {"severity": alert.severity.value})
    flags: tuple[str, ...] = ()
    ended = None if mark is None else mark.alert_resolved_at
    belongs_to_ended = ended is not None and at <= ended
    if mark is not None and (belongs_to_ended or at <= mark.occurred_at):
        if not in_order and not belongs_to_ended:
            return _born_resolved(mark, alert, triggered)
        if not in_order and mark.alert_id is not None and mark.is_late(received_at):
            return _late(mark.alert_id)
        flags = ("old_start",)
        if not in_order:
            # What ended the episode before must not end this one, should it come in once more. Of a
            # sender in order the last word counts: where its replicas contradict each other, it
            # says once more what is so.
            alert.last_signal_at = max(mark.occurred_at, ended or at) + _TICK
    if state.ended is not None:
        return _reopen(state, state.ended, signal, alert, flags)
    state.alert = alert
    return Step(
        WebhookStatus.CREATED,
        alert.id,
        alert,
        (triggered,),
        created=True,
        weight=STATE_CHANGE,
        flags=flags,
    )


def _reopen(
    state: KeyState, ended: AlertState, signal: Signal, new: AlertState, flags: tuple[str, ...]
) -> Step:
    """A new episode of an alert that flaps is the same alert; whoever has taken it on still has. `new`:
    what would have opened otherwise."""
    ended.occurrence_count += 1
    ended.last_signal_at, ended.last_received_at = new.last_signal_at, new.last_received_at
    ended.resolved_at = None
    taken_on = ended.acknowledged_at is not None
    ended.status = AlertStatus.ACKNOWLEDGED if taken_on else AlertStatus.OPEN
    count = {"occurrence_count": ended.occurrence_count, "because": "flapping"}
    happenings = [Happening(AlertEventKind.REOPENED, count)]
    before, after = ended.severity, signal.severity or ended.severity
    if after is not before:
        ended.severity = after
        steps = {"from": before.value, "to": after.value}
        happenings.append(Happening(AlertEventKind.SEVERITY_CHANGED, steps))
    state.alert, state.ended = ended, None
    return Step(
        WebhookStatus.UPDATED,
        ended.id,
        ended,
        tuple(happenings),
        reopened=True,
        may_free=True,
        is_newest=True,
        weight=STATE_CHANGE,
        flags=flags,
    )


def _late(alert_id: bytes) -> Step:
    return Step(
        WebhookStatus.UPDATED,
        alert_id,
        None,
        (Happening(AlertEventKind.OUTDATED, {"signal": "trigger"}),),
        late_occurrence=True,
        reason="fired before this alert was resolved",
    )


def _born_resolved(mark: ResolutionMark, alert: AlertState, triggered: Happening) -> Step:
    alert.status = AlertStatus.RESOLVED
    alert.resolved_at = alert.last_signal_at = mark.occurred_at
    mark.alert_id, mark.alert_resolved_at = alert.id, mark.occurred_at
    mark.arrived_at = alert.last_received_at
    return Step(
        WebhookStatus.CREATED,
        alert.id,
        alert,
        (triggered, Happening(AlertEventKind.RESOLVED, {"arrived": "before the trigger"})),
        created=True,
        marked=True,
        reason="its resolve had arrived first",
    )


def _renew(alert: AlertState | None, signal: Signal, at: datetime, received_at: datetime) -> Step:
    """A trigger repeats the live alert; an update only changes what it says."""
    if alert is None:
        return Step(WebhookStatus.IGNORED, reason="there is no open alert to change")
    happenings: list[Happening] = []
    if signal.kind is SignalKind.TRIGGER:
        alert.occurrence_count += 1
        if signal.lease is None:
            # To say again what is so is no event: Prometheus does it every minute.
            count = {"occurrence_count": alert.occurrence_count}
            happenings.append(Happening(AlertEventKind.REPEATED, count))
    alert.last_received_at = max(alert.last_received_at, received_at)
    if at < alert.last_signal_at:
        if signal.kind is SignalKind.UPDATE:
            return _outdated(alert, "update")
        return Step(WebhookStatus.UPDATED, alert.id, alert, tuple(happenings))
    alert.last_signal_at = at
    before, after = alert.severity, signal.severity
    if after is not None and after is not before:
        alert.severity = after
        steps = {"from": before.value, "to": after.value}
        happenings.append(Happening(AlertEventKind.SEVERITY_CHANGED, steps))
        if alert.snooze is not None and after.rank > before.rank:
            alert.snooze = None
            happenings.append(Happening(AlertEventKind.UNSNOOZED, {"because": "the severity rose"}))
    return Step(
        WebhookStatus.UPDATED,
        alert.id,
        alert,
        tuple(happenings),
        worsened=alert.severity.rank > before.rank,
        may_free=alert.severity is not before,
        weight=SEVERITY_CHANGE if alert.severity is not before else 0.0,
        is_newest=True,
    )


def _acknowledge(alert: AlertState | None, at: datetime) -> Step:
    if alert is None:
        return Step(WebhookStatus.IGNORED, reason="there is no open alert to acknowledge")
    if at < alert.last_signal_at:
        return _outdated(alert, "acknowledge")
    alert.last_signal_at = at
    if alert.status is AlertStatus.ACKNOWLEDGED:
        # Nothing to notify of, but what is older than this is late from now on.
        return Step(
            WebhookStatus.IGNORED, alert.id, alert, reason="the alert was acknowledged already"
        )
    alert.status, alert.acknowledged_at = AlertStatus.ACKNOWLEDGED, at
    return Step(
        WebhookStatus.ACKNOWLEDGED, alert.id, alert, (Happening(AlertEventKind.ACKNOWLEDGED),)
    )


def _unacknowledge(alert: AlertState | None, at: datetime) -> Step:
    if alert is None:
        return Step(WebhookStatus.IGNORED, reason="there is no acknowledged alert")
    if at < alert.last_signal_at:
        return _outdated(alert, "unacknowledge")
    alert.last_signal_at = at
    if alert.status is AlertStatus.OPEN:
        return Step(WebhookStatus.IGNORED, alert.id, alert, reason="the alert was not acknowledged")
    alert.status, alert.acknowledged_at = AlertStatus.OPEN, None
    return Step(
        WebhookStatus.UPDATED,
        alert.id,
        alert,
        (Happening(AlertEventKind.UNACKNOWLEDGED),),
        reopened=True,
    )


def _resolve(state: KeyState, signal: Signal, at: datetime, received_at: datetime) -> Step:
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
    # A resolve that gives no time of its own says only that it came after the last signal; taking
    # our clock for the sender's could swallow its next trigger.
    ended = at if signal.occurred_at is not None else alert.last_signal_at
    alert.status, alert.resolved_at, alert.last_signal_at = AlertStatus.RESOLVED, at, at
    state.mark = ResolutionMark(
        occurred_at=max(ended, mark.occurred_at) if mark else ended,
        alert_id=alert.id,
        alert_resolved_at=ended,
        arrived_at=received_at,
    )
    state.alert = None
    return Step(
        WebhookStatus.RESOLVED,
        alert.id,
        alert,
        (Happening(AlertEventKind.RESOLVED),),
        weight=STATE_CHANGE,
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


def ended_by_person(state: KeyState, alert: AlertState, now: datetime) -> ResolutionMark:
    """The mark that an end leaves which no signal brought. A trigger of what was known of the alert
    until then may still be on its way."""
    before = state.mark
    return ResolutionMark(
        occurred_at=alert.last_signal_at if before is None else before.occurred_at,
        alert_id=alert.id,
        alert_resolved_at=alert.last_signal_at,
        arrived_at=now,
    )


def changes_nothing(state: KeyState, signal: Signal, first: frozenset[bytes]) -> bool:
    """Whether this signal, that came before with the alerts `first`, only says again what is so."""
    alert = state.alert
    match signal.kind:
        case SignalKind.TRIGGER:
            return (
                alert is not None
                and alert.id in first
                and signal.severity in (None, alert.severity)
            )
        case SignalKind.UPDATE:
            return alert is None or signal.severity in (None, alert.severity)
        case SignalKind.ACKNOWLEDGE:
            return alert is None or alert.status is AlertStatus.ACKNOWLEDGED
        case SignalKind.UNACKNOWLEDGE:
            return alert is None or alert.status is AlertStatus.OPEN
        case SignalKind.RESOLVE:
            return alert is None
