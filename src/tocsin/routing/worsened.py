"""When an open alert grows worse: who must hear of it now that it is more severe.

No event of its own tells of a raised severity, and yet a LOW alert that becomes CRITICAL may be
asked for by rules that ignored it so far, or break through the quiet hours that hold its message
back. The trigger is then planned again, and only what is new in it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tocsin.model import AlertDeliveryStatus, EventType
from tocsin.routing.judge import Judge
from tocsin.routing.plan import NOTHING, History, Plan, PlannedDelivery, ToldTrigger, plan
from tocsin.routing.rules import RoutingTable, Subject


@dataclass(frozen=True, slots=True)
class Escalation:
    """`plan` is what to add, as `alerts.triggered`; `release` names the destinations whose deferred
    trigger is to go out now."""

    plan: Plan = NOTHING
    release: tuple[UUID, ...] = ()


def escalate(
    table: RoutingTable,
    subject: Subject,
    history: History,
    now: datetime,
    judge: Judge | None = None,
) -> Escalation:
    """`subject` with its new severity; `history` with both the problem's `last_told` and the
    alert's `told_trigger`. Who was told of the trigger is not told again."""
    again = plan(table, EventType.TRIGGERED, subject, history, now, judge)
    added: list[PlannedDelivery] = []
    release: list[UUID] = []
    for delivery in again.deliveries:
        told = history.told_trigger.get(delivery.destination_id)
        if told is not None and _goes_out_now(told, delivery):
            release.append(delivery.destination_id)
        elif told is None or _is_news(told, delivery):
            added.append(delivery)
    now_told = {
        *release,
        *(each.destination_id for each in added if each.status is AlertDeliveryStatus.QUEUED),
    }
    cooldowns = [each for each in again.cooldowns if each[1] in now_told]
    return Escalation(Plan(added, cooldowns), tuple(release))


def _goes_out_now(told: ToldTrigger, delivery: PlannedDelivery) -> bool:
    return (
        told.status is AlertDeliveryStatus.DEFERRED
        and delivery.status is AlertDeliveryStatus.QUEUED
    )


def _is_news(told: ToldTrigger, delivery: PlannedDelivery) -> bool:
    """What was suppressed before (a silence for LOW ones, say) and is not any more."""
    return (
        not told.counts_as_told
        and told.status is AlertDeliveryStatus.SUPPRESSED
        and delivery.status is not AlertDeliveryStatus.SUPPRESSED
    )
