"""When an open alert grows worse: who must hear of it now that it is more severe.

A raised severity has no event of its own, and yet a LOW alert that becomes CRITICAL may be
asked for by rules that ignored it so far. The trigger is then planned again, and only what is new in it
counts. What is held is looked at again by itself (`look.py`).
"""

from __future__ import annotations

from datetime import datetime

from tocsin.model import AlertDeliveryStatus, EventType, Reason
from tocsin.routing.judge import Judge
from tocsin.routing.plan import History, NotifiedTrigger, Plan, PlannedDelivery, plan
from tocsin.routing.rules import RoutingTable, Subject


def worsened(
    table: RoutingTable,
    subject: Subject,
    history: History,
    now: datetime,
    judge: Judge | None = None,
) -> Plan:
    """What to add as `alerts.triggered`. `subject` has its new severity, `history` both the
    `last_notified` of its key and its `notified_trigger`. Who was notified of the trigger is not
    notified again, unless that was by a storm's digest, or of an earlier episode."""
    again = plan(table, EventType.TRIGGERED, subject, history, now, judge)
    added = [
        delivery
        for delivery in again.deliveries
        if (notified := history.notified_trigger.get(delivery.destination_id)) is None
        or _is_news(notified, delivery)
    ]
    return Plan(added, [cooldown for delivery in added for cooldown in delivery.cooldowns])


def _is_news(notified: NotifiedTrigger, delivery: PlannedDelivery) -> bool:
    """What was not to be sent before (the destination was disabled, or a window ended that notifies
    nobody) and is now; what was one of a great many in a digest; and what was over since."""
    was_said = not (
        notified.status is AlertDeliveryStatus.SUPPRESSED
        or notified.reason is Reason.MAINTENANCE_OVER
        or notified.in_digest
        or notified.is_past
    )
    return not was_said and delivery.status is not AlertDeliveryStatus.SUPPRESSED
