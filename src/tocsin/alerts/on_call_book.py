"""Whom the escalations of one workspace can reach: its policies, people and schedules, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from tocsin.model import Urgency
from tocsin.oncall.contacts import Person, Unreachable, plan_pages
from tocsin.oncall.policy import OnDuty, StepPage
from tocsin.oncall.policy_shapes import Asked, Policy, PolicyStep
from tocsin.routing.judge import Judge
from tocsin.routing.matchers import Matcher
from tocsin.routing.rules import DestinationRef, RoutingTable
from tocsin.routing.subject import Subject


@dataclass(frozen=True, slots=True)
class OnCallBook:
    """Of one workspace, as one version of the configuration has it. `policies` as they are now;
    `versions` also those by which escalations still run. People by their ids."""

    policies: Mapping[UUID, Policy] = field(default_factory=dict)
    versions: Mapping[tuple[UUID, int], Policy] = field(default_factory=dict)
    people: Mapping[UUID, Person] = field(default_factory=dict)

    def policy(self, id: UUID, version: int) -> Policy | None:
        """The version by which an escalation began; None: nobody knows it any more."""
        return self.versions.get((id, version))

    @property
    def reaches_anybody(self) -> bool:
        return any(
            method.is_usable for person in self.people.values() for method in person.contact_methods
        )

    def name(self, user_id: UUID) -> str:
        """Of a person, for people."""
        person = self.people.get(user_id)
        return "somebody who has left" if person is None else person.name


@dataclass(frozen=True, slots=True)
class AlertSurroundings:
    """What `oncall.policy` asks about one alert at one moment. `on_duty`: by schedule, whom it names
    then; `turn_of`: whom each step that asks one at a time asks next."""

    book: OnCallBook
    table: RoutingTable
    subject: Subject
    judge: Judge
    now: datetime
    on_duty: Mapping[UUID, Sequence[OnDuty]]
    turn_of: Mapping[int, int]

    def on_call(self, schedule_id: UUID) -> Sequence[OnDuty]:
        return self.on_duty.get(schedule_id, ())

    def pages(self, user_id: UUID) -> Sequence[StepPage]:
        person = self.book.people.get(user_id)
        planned = plan_pages(person, Urgency.of(self.subject.severity), self.now)
        if isinstance(planned, Unreachable):
            return ()
        return [StepPage(each.contact_method_id, each.delay) for each in planned]

    def takes_messages(self, destination_id: UUID) -> bool:
        destination = self.table.destinations.get(destination_id)
        return destination is not None and destination.is_enabled

    def unmet(self, step: PolicyStep) -> str | None:
        return step.unmet(self.subject.severity, self._match, self.now)

    def turn(self, step: int) -> int:
        return self.turn_of.get(step, 0)

    def _match(self, asked: tuple[Asked, ...]) -> bool:
        return all(self.judge.matches(_compiled(each), self.subject) for each in asked)


def last_resort(policy: Policy, table: RoutingTable) -> DestinationRef | None:
    """Who is notified when nobody answers: the policy's own, or the workspace's fallback, whichever
    takes messages."""
    for id in (policy.on_exhausted_destination_id, table.fallback_destination_id):
        found = None if id is None else table.destinations.get(id)
        if found is not None and found.is_enabled:
            return found
    return None


@lru_cache(1_024)
def _compiled(asked: Asked) -> Matcher:
    return Matcher(asked.label, asked.op, asked.value)
