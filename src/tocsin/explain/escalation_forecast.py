"""Who would be woken when, if an alert opened at some time and nobody answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.alerts.on_call import on_duty
from tocsin.alerts.on_call_book import AlertSurroundings, OnCallBook
from tocsin.explain.preview import MOST_WORK
from tocsin.model import Severity, TargetKind
from tocsin.oncall.documents import schedule_from
from tocsin.oncall.forecast import Forecast, ForecastStep, forecast_steps
from tocsin.oncall.policy import OnDuty
from tocsin.oncall.policy_shapes import Policy
from tocsin.oncall.schedule import OnCallSchedule
from tocsin.routing.judge import Judge
from tocsin.routing.rules import RoutingTable
from tocsin.routing.subject import Subject
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.escalation_policies import read_turns, schedules_as_of
from tocsin.turns import aside

_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class NamedSchedule:
    name: str
    timezone: str
    schedule: OnCallSchedule


@dataclass(frozen=True, slots=True)
class Ahead:
    """All that decides about the escalations of one policy from now on."""

    policy: Policy
    book: OnCallBook
    table: RoutingTable
    schedules: Mapping[UUID, NamedSchedule]
    turns: Mapping[int, int]

    @property
    def timezone(self) -> str:
        """Of the first schedule it names, for people; else UTC."""
        named = (target.id for step in self.policy.steps for target in step.targets)
        return next((self.schedules[id].timezone for id in named if id in self.schedules), "UTC")

    def channel(self, destination_id: UUID) -> str | None:
        """The kind of a destination or contact method."""
        found = self.table.destinations.get(destination_id)
        return None if found is None else found.type


@dataclass(frozen=True, slots=True)
class SurroundingsAhead(AlertSurroundings):
    """The same as when it happens; schedules are asked about times to come."""

    schedules: Mapping[UUID, NamedSchedule] = field(default_factory=dict)

    def on_call(self, schedule_id: UUID) -> list[OnDuty]:
        found = self.schedules.get(schedule_id)
        return [] if found is None else [*on_duty(found.schedule, self.now)]


def longest(policy: Policy) -> timedelta:
    """How long it runs, if every step reaches somebody and nobody answers."""
    seconds = sum(step.wait_seconds for step in policy.steps)
    return timedelta(seconds=seconds) * (policy.repeat + 1)


async def look_ahead(
    session: DatabaseSession,
    policy: Policy,
    book: OnCallBook,
    table: RoutingTable,
    since: datetime,
    until: datetime,
) -> Ahead:
    """What is known now about the time from `since` to `until`."""
    schedules = await read_schedules(session, [policy], table.workspace_id, since, until)
    turns = await read_turns(session, [policy.id])
    return Ahead(policy, book, table, schedules, turns[policy.id])


async def read_schedules(
    session: DatabaseSession,
    policies: Iterable[Policy],
    workspace_id: UUID,
    since: datetime,
    until: datetime,
) -> Mapping[UUID, NamedSchedule]:
    """Those that these policies name, as they hold from `since` to `until`."""
    ids = {
        target.id
        for policy in policies
        for step in policy.steps
        for target in step.targets
        if target.type is TargetKind.SCHEDULE
    }
    schedules = {}
    for row in await schedules_as_of(session, ids, since, until) if ids else ():
        if row.workspace_id == workspace_id:
            schedule = schedule_from(row.id, row.versions, row.overrides)
            timezone = schedule.versions[-1].timezone if schedule.versions else "UTC"
            schedules[row.id] = NamedSchedule(row.name, timezone, schedule)
    return schedules


async def foresee(
    ahead: Ahead, severity: Severity, labels: Mapping[str, str], at: datetime
) -> Forecast:
    """What an escalation would do for such an alert, opened at `at`."""
    judge = Judge(MOST_WORK)
    subject = Subject(_NOBODY, _NOBODY, None, "", severity, "", "", labels)

    def around(now: datetime, turns: Mapping[int, int]) -> AlertSurroundings:
        return SurroundingsAhead(
            ahead.book, ahead.table, subject, judge, now, {}, turns, ahead.schedules
        )

    steps: list[ForecastStep] = []

    def collect() -> Iterator[None]:
        for step in forecast_steps(ahead.policy, around, at, ahead.turns):
            steps.append(step)
            yield

    await aside(collect())
    return Forecast.of(at, steps)
