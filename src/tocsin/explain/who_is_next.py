"""Whom the escalations of a page of alerts reach next, if nothing changes until then; read together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from tocsin.alerts.on_call_book import OnCallBook, last_resort
from tocsin.explain.escalation_forecast import (
    NamedSchedule,
    SurroundingsAhead,
    read_schedules,
)
from tocsin.model import AlertStatus, EscalationState
from tocsin.oncall.policy import Progress, Reached, decide
from tocsin.oncall.policy_shapes import Policy
from tocsin.routing.judge import Judge
from tocsin.routing.rules import RoutingTable
from tocsin.routing.subject import Subject
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_list import ListedEscalation
from tocsin.store.queries.escalation_policies import read_turns

_INSTANT = timedelta(seconds=1)
_BY = {"voice": "phone", "sms": "SMS"}
"""Kinds of contact methods that people call otherwise."""


async def who_is_next(
    session: DatabaseSession,
    escalations: Iterable[ListedEscalation],
    subjects: Mapping[UUID, Subject],
    book: OnCallBook,
    table: RoutingTable,
) -> dict[UUID, str]:
    """By alert, in words; empty: nobody. Those that do not go on, and those whose policy nobody knows
    any more, are left out."""
    going = [
        (each, policy)
        for each in escalations
        if each.due_at is not None and (policy := book.policy(each.policy_id, each.policy_version))
    ]
    if not going:
        return {}
    times = [each.due_at for each, _ in going if each.due_at is not None]
    policies = {policy.id: policy for _, policy in going}
    schedules = await read_schedules(
        session,
        [policy for _, policy in going],
        table.workspace_id,
        min(times),
        max(times) + _INSTANT,
    )
    turns = await read_turns(session, list(policies))
    return {
        each.alert_id: next_words(
            each, policy, subjects[each.alert_id], book, table, schedules, turns[policy.id]
        )
        for each, policy in going
    }


def next_words(
    escalation: ListedEscalation,
    policy: Policy,
    subject: Subject,
    book: OnCallBook,
    table: RoutingTable,
    schedules: Mapping[UUID, NamedSchedule],
    turns: Mapping[int, int],
) -> str:
    """`Ben by phone`, or the last resort; empty: nobody is left. `escalation` goes on at some time."""
    at = escalation.due_at
    assert at is not None
    around = SurroundingsAhead(book, table, subject, Judge(), at, {}, turns, schedules)
    progress = Progress(
        loop=escalation.loop,
        step=escalation.step,
        due_at=at,
        people=frozenset(UUID(each) for each in escalation.paged),
    )
    decision = decide(policy, progress, AlertStatus.OPEN, None, around, at, forced=True)
    reached = next((taken.reached for taken in decision.taken if taken.reached), ())
    if reached:
        return _people(reached, book, table)
    end = last_resort(policy, table) if decision.state is EscalationState.EXHAUSTED else None
    return "" if end is None else end.name


def _people(reached: Sequence[Reached], book: OnCallBook, table: RoutingTable) -> str:
    first = reached[0]
    others = f" and {len(reached) - 1} more" if len(reached) > 1 else ""
    if first.user_id is None:
        destination = table.destinations.get(first.id)
        return ("a destination since deleted" if destination is None else destination.name) + others
    by = table.destinations.get(first.pages[0].destination_id) if first.pages else None
    how = "" if by is None or others else f" by {_BY.get(by.type, by.type)}"
    return book.name(first.user_id) + how + others
