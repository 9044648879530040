"""What an escalation does next, given what is known at that moment. Pure.

    begins ──► step 1 ──wait──► step 2 ──wait──► … ──► (repeat: step 1 …) ──wait──► exhausted
                 │ acknowledged, resolved, closed ──► stopped
                 │ a hold applies ──► held ──it ends──► goes on with what was left of the wait

A step resolves its targets to people and destinations when it begins, and that stays for this step. One
that reaches nobody is passed at once, whatever its wait. A person whom an earlier step of the same loop
has notified is not notified again: their own chain of pages goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from tocsin.model import AlertStatus, EscalationState, SkipReason, StepMode, StopReason, TargetKind
from tocsin.oncall.policy_shapes import Policy, PolicyStep, PolicyTarget

BEFORE_THE_FIRST = -1
_NOT_LONG = timedelta(0)


@dataclass(frozen=True, slots=True)
class StepPage:
    """One message to one contact method or destination, so long after the step began."""

    destination_id: UUID
    delay: timedelta = _NOT_LONG


@dataclass(frozen=True, slots=True)
class OnDuty:
    """A person, or the destination of a fallback, whom a schedule names now; `cause` says by which
    layer, override or fallback."""

    user_id: UUID | None
    destination_id: UUID | None = None
    cause: str = ""


class Surroundings(Protocol):
    """What the world looks like at the moment of a decision."""

    def on_call(self, schedule_id: UUID) -> Sequence[OnDuty]:
        """Who is on call now; nobody for a schedule that is gone."""

    def pages(self, user_id: UUID) -> Sequence[StepPage]:
        """How this person is paged now; empty: by no usable contact, or they are gone."""

    def takes_messages(self, destination_id: UUID) -> bool:
        """Whether the destination is there, and enabled."""

    def unmet(self, step: PolicyStep) -> str | None:
        """What of the step's condition does not hold now, in words; None: it does."""

    def turn(self, step: int) -> int:
        """The place of the target that is asked first, in a step that asks one at a time."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A person or destination that a step reaches, by which target. No pages: a person whose chain of an
    earlier step goes on."""

    target: PolicyTarget
    user_id: UUID | None
    pages: tuple[StepPage, ...]
    destination_id: UUID | None = None
    cause: str = ""

    @property
    def id(self) -> UUID:
        """Of the person or destination."""
        return self.user_id or self.destination_id or self.target.id


@dataclass(frozen=True, slots=True)
class Skipped:
    """Whom a step would have reached, and why not. `target` None: all of it, and `words` say why."""

    reason: SkipReason
    target: PolicyTarget | None = None
    user_id: UUID | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step that was taken, counted from 0."""

    loop: int
    step: int
    reached: tuple[Reached, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def is_passed(self) -> bool:
        """Whether it reaches nobody, so that nobody is waited for."""
        return not self.reached


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an escalation stands. `due_at`: when the wait of the step ends that was taken last; None
    before the first. `since`: when that step was taken, or gone on with after a hold. `people`: those
    notified in this loop. `held_since`: since when its time stands still."""

    loop: int = 0
    step: int = BEFORE_THE_FIRST
    due_at: datetime | None = None
    since: datetime | None = None
    people: frozenset[UUID] = frozenset()
    state: EscalationState = EscalationState.RUNNING
    held_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps the alert quiet now. `until` None: nobody knows when it ends; `since` None: nor when it
    began."""

    reason: str
    until: datetime | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do. `progress` is how it stands then. `resumed`: a hold is over, and pages that are
    pending go on with what was left. `turns`: of steps that ask one at a time, whom they ask next."""

    progress: Progress
    taken: tuple[StepTaken, ...] = ()
    stopped: StopReason | None = None
    held: Hold | None = None
    resumed: bool = False
    turns: Mapping[int, int] = field(default_factory=dict)

    @property
    def state(self) -> EscalationState:
        return self.progress.state


_STOPS = {
    AlertStatus.ACKNOWLEDGED: StopReason.ACKNOWLEDGED,
    AlertStatus.RESOLVED: StopReason.RESOLVED,
    AlertStatus.CLOSED: StopReason.CLOSED,
}


def decide(
    policy: Policy,
    progress: Progress,
    status: AlertStatus,
    held: Hold | None,
    around: Surroundings,
    now: datetime,
    *,
    forced: bool = False,
) -> Decision:
    """What an escalation that is live does at `now`. `forced`: somebody wants the next step at once,
    whatever holds it."""
    if (reason := stop_reason(status)) is not None:
        return stop(progress, reason)
    if held is not None and not forced:
        return _hold(progress, held, now)
    resumed = progress.held_since is not None
    if progress.held_since is not None:
        stood = max(now - progress.held_since, _NOT_LONG)
        progress = replace(
            progress,
            state=EscalationState.RUNNING,
            held_since=None,
            due_at=None if progress.due_at is None else progress.due_at + stood,
            since=now,
        )
    if progress.due_at is not None and progress.due_at > now and not forced:
        return Decision(progress, resumed=resumed)
    return replace(_climb(policy, progress, around, now), resumed=resumed)


def stop(progress: Progress, reason: StopReason) -> Decision:
    """It is over before its last step went unanswered."""
    stopped = replace(progress, state=EscalationState.STOPPED, due_at=None, held_since=None)
    return Decision(stopped, stopped=reason)


def stop_reason(status: AlertStatus) -> StopReason | None:
    """Why an escalation ends when its alert has this status; None: it does not."""
    return _STOPS.get(status)


def _hold(progress: Progress, held: Hold, now: datetime) -> Decision:
    """It stands still from when the hold began, which may have gone unnoticed until now."""
    since = progress.held_since
    if since is None:
        since = min(held.since or now, now)
        if progress.since is not None:
            since = max(since, progress.since)
    held_now = replace(progress, state=EscalationState.HELD, held_since=since)
    return Decision(held_now, held=held)


def _climb(policy: Policy, progress: Progress, around: Surroundings, now: datetime) -> Decision:
    taken: list[StepTaken] = []
    turns: dict[int, int] = {}
    loop, step, people = progress.loop, progress.step, progress.people
    while True:
        step += 1
        if step >= len(policy.steps):
            loop, step, people = loop + 1, 0, frozenset()
        if loop > policy.repeat or not policy.steps:
            exhausted = replace(progress, state=EscalationState.EXHAUSTED, due_at=None)
            if taken:
                exhausted = replace(exhausted, loop=taken[-1].loop, step=taken[-1].step)
            return Decision(exhausted, tuple(taken), turns=turns)
        begun = _take(policy.steps[step], loop, step, people, around, turns)
        taken.append(begun)
        if begun.is_passed:
            continue
        people |= {each.user_id for each in begun.reached if each.user_id is not None}
        due_at = now + timedelta(seconds=policy.steps[step].wait_seconds)
        return Decision(Progress(loop, step, due_at, now, people), tuple(taken), turns=turns)


def _take(
    step: PolicyStep,
    loop: int,
    place: int,
    people: frozenset[UUID],
    around: Surroundings,
    turns: dict[int, int],
) -> StepTaken:
    if (words := around.unmet(step)) is not None:
        return StepTaken(loop, place, skipped=(Skipped(SkipReason.CONDITION, words=words),))
    reached: dict[UUID, Reached] = {}
    skipped: list[Skipped] = []
    targets = list(step.targets)
    first = 0
    if step.mode is StepMode.ROUND_ROBIN and targets:
        first = turns.get(place, around.turn(place)) % len(targets)
        targets = targets[first:] + targets[:first]
    for number, target in enumerate(targets):
        found, not_found = _resolve(target, people, around)
        skipped += not_found
        for each in found:
            reached.setdefault(each.id, each)
        if found and step.mode is StepMode.ROUND_ROBIN:
            turns[place] = (first + number + 1) % len(targets)
            break
    return StepTaken(loop, place, tuple(reached.values()), tuple(skipped))


def _resolve(
    target: PolicyTarget, people: frozenset[UUID], around: Surroundings
) -> tuple[list[Reached], list[Skipped]]:
    on_duty: Sequence[OnDuty]
    if target.type is TargetKind.DESTINATION:
        on_duty = [OnDuty(None, target.id)]
    elif target.type is TargetKind.USER:
        on_duty = [OnDuty(target.id)]
    else:
        on_duty = around.on_call(target.id)
        if not on_duty:
            return [], [Skipped(SkipReason.NOBODY_ON_CALL, target)]
    reached: list[Reached] = []
    skipped: list[Skipped] = []
    for each in on_duty:
        pages: Sequence[StepPage] = ()
        if each.user_id is None:
            id = each.destination_id
            pages = [StepPage(id)] if id is not None and around.takes_messages(id) else ()
        elif each.user_id not in people:
            pages = around.pages(each.user_id)
        if pages or each.user_id in people:
            found = Reached(target, each.user_id, tuple(pages), each.destination_id, each.cause)
            reached.append(found)
        else:
            skipped.append(Skipped(SkipReason.NO_CONTACT, target, each.user_id))
    return reached, skipped
