"""The matching of one transaction: a judge for each workspace, each with a budget of its own.

A workspace whose rules and silences ask for more is overdrawn, and the transaction must be undone.
`settle` then answers what was asked, apart from the event loop; done again with the same budgets, the
transaction finds everything answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from tocsin.model import EventType
from tocsin.routing.judge import Judge
from tocsin.routing.rules import RoutingTable
from tocsin.routing.subject import Subject
from tocsin.turns import aside

BUDGET = 3_000_000
"""Units of matching (see `routing.judge`) for each workspace in one transaction: 3 ms at worst."""


class Question(NamedTuple):
    """What planning asks for one change of one alert."""

    table: RoutingTable
    event_type: EventType
    subject: Subject


class MatchingBudgets:
    """One judge for each workspace that has anything to match. With a `budget` of None none is ever
    overdrawn."""

    def __init__(self, budget: int | None = BUDGET) -> None:
        self._budget = budget
        self._judges: dict[UUID, Judge] = {}
        self._questions: dict[UUID, list[Question]] = {}

    def of(self, workspace_id: UUID) -> Judge:
        judge = self._judges.get(workspace_id)
        if judge is None:
            judge = self._judges[workspace_id] = Judge(self._budget)
        return judge

    @property
    def overdrawn(self) -> frozenset[UUID]:
        """The workspaces that asked for more than their budget."""
        return frozenset(id for id, judge in self._judges.items() if judge.is_overdrawn)

    def begin(self) -> None:
        """Begin a transaction: no workspace has spent anything yet."""
        self._questions.clear()
        for judge in self._judges.values():
            judge.renew()

    def leave(self, workspace_id: UUID, question: Question) -> None:
        """Keep a question of an overdrawn workspace for `settle`."""
        self._questions.setdefault(workspace_id, []).append(question)

    def part(self, workspace_id: UUID) -> MatchingBudgets:
        """Those of this workspace alone, with what it left for `settle`."""
        own = MatchingBudgets(self._budget)
        own._judges[workspace_id] = self.of(workspace_id)
        own._questions[workspace_id] = self._questions.get(workspace_id, [])
        return own

    async def settle(self, now: datetime) -> None:
        """Answer what was left open, whatever it costs, in a thread."""
        for workspace_id, questions in self._questions.items():
            judge = Judge()
            judge.adopt(self.of(workspace_id))
            await aside(_answers(questions, judge, now))
            self.of(workspace_id).adopt(judge)
            self.of(workspace_id).is_prepared = True


def _answers(questions: list[Question], judge: Judge, now: datetime) -> Iterator[None]:
    for table, event_type, subject in questions:
        if table.inhibition_rules:
            table.inhibition.keys_of(subject, judge)
            yield
        listening = table.listening.get(event_type)
        if listening is None:
            continue
        # What follows a trigger may reach any rule, whatever the labels have become.
        is_first = event_type is EventType.TRIGGERED
        for rule in listening.may_match(subject) if is_first else listening.rules:
            rule.matches(subject, judge)
            yield
        for silence in table.silences:
            if silence.is_active(now):
                silence.covers(subject, judge)
                yield
        for window in table.windows:
            if window.occurrence(now) is not None:
                window.covers(subject, judge)
                yield
