"""What the next step of a running escalation will do, as things stand now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from tocsin.alerts.escalation_pages import step_document
from tocsin.alerts.on_call import on_duty
from tocsin.alerts.on_call_book import AlertSurroundings, OnCallBook
from tocsin.explain.escalation_forecast import look_ahead
from tocsin.model import AlertStatus, EscalationState, iso
from tocsin.oncall.policy import Progress, decide
from tocsin.routing.judge import Judge
from tocsin.routing.rules import RoutingTable
from tocsin.routing.subject import Subject
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import StoredEscalation

_INSTANT = timedelta(seconds=1)


async def next_step(
    session: DatabaseSession,
    escalation: StoredEscalation,
    subject: Subject,
    book: OnCallBook,
    table: RoutingTable,
) -> dict[str, Any] | None:
    """Which one, when, and whom it reaches if nothing changes until then; None: there is none. After
    the last one the last resort is notified (`exhausted`)."""
    at = escalation.step_due_at or escalation.next_at
    policy = book.policy(escalation.escalation_policy_id, escalation.policy_version)
    if not escalation.state.is_live or at is None or policy is None:
        return None
    ahead = await look_ahead(session, policy, book, table, at, at + _INSTANT)
    surroundings = AlertSurroundings(
        book,
        table,
        subject,
        Judge(),
        at,
        {id: on_duty(each.schedule, at) for id, each in ahead.schedules.items()},
        ahead.turns,
    )
    progress = Progress(
        loop=escalation.loop,
        step=escalation.step,
        due_at=escalation.step_due_at,
        people=frozenset(UUID(each) for each in escalation.paged),
    )
    decision = decide(policy, progress, AlertStatus.OPEN, None, surroundings, at, forced=True)
    held = escalation.state is EscalationState.HELD
    document: dict[str, Any] = {"at": None if held else iso(at)}
    document["steps"] = [step_document(taken, policy, book, table) for taken in decision.taken]
    document["exhausted"] = decision.state is EscalationState.EXHAUSTED
    return document
