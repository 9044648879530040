"""What a signal does to how often an alert has come and gone. Pure, beside `correlate`."""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.alerts.correlate import AlertState, KeyState, Step
from tocsin.model import WebhookStatus
from tocsin.routing.flapping import FlappingNumbers, Flaps, changed, first, forgotten_at

LATE_CLOCK = timedelta(hours=1)
"""So much longer is remembered what flaps: whoever says that it has settled may be late."""


def count(state: KeyState, step: Step, numbers: FlappingNumbers, at: datetime) -> bool:
    """Count what `step` did. Returns whether its alert begins to flap by it."""
    alert = step.alert
    if alert is None or not step.weight:
        return False
    before = alert.flaps
    if before is None:
        # An alert of which nothing is known has opened; that need not be written down.
        before = state.flaps if step.created else first(alert.created_at or at)
    if before is None:
        return False
    alert.flaps = changed(before, numbers, step.weight, at)
    if step.status is WebhookStatus.RESOLVED:
        state.flaps = alert.flaps
        state.ended = alert if alert.flaps.is_flapping else None
    return alert.flaps.is_flapping and not before.is_flapping


def counted_so_far(alert: AlertState, numbers: FlappingNumbers | None) -> Flaps | None:
    """Of an alert that ends without a signal."""
    if alert.flaps is not None or numbers is None or alert.created_at is None:
        return alert.flaps
    return first(alert.created_at)


def remembered_until(flaps: Flaps, numbers: FlappingNumbers) -> datetime:
    until = forgotten_at(flaps, numbers)
    return until + LATE_CLOCK if flaps.is_flapping else until
