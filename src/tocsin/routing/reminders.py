"""Reminders: an alert that is still open and not acknowledged is notified of again.

Pure. When is up to timers (`alerts/alert_timers.py`); here it is decided who is reminded when the time
has come.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from tocsin.model import AlertDeliveryStatus, EventType
from tocsin.routing.judge import Judge
from tocsin.routing.plan import History, PlannedDelivery, plan
from tocsin.routing.rules import RoutingTable, Subject


def remind(
    table: RoutingTable,
    subject: Subject,
    history: History,
    destinations: Collection[UUID] | None,
    now: datetime,
    judge: Judge | None = None,
) -> Sequence[PlannedDelivery]:
    """What to send to those of `destinations` (None: all) that a rule reminds. Only who was notified of
    the trigger is reminded. A hold defers a reminder like everything else."""
    outcome = plan(table, EventType.REMINDER, subject, history, now, judge)
    return [
        delivery
        for delivery in outcome.deliveries
        if (destinations is None or delivery.destination_id in destinations)
        and delivery.status is not AlertDeliveryStatus.SUPPRESSED
        and delivery.remind_after is not None
        and (notified := history.notified_trigger.get(delivery.destination_id)) is not None
        and notified.counts_as_notified
        # Who was told that it is over hears no more of it, unless they were told that it is open again.
        and not notified.is_past
    ]
