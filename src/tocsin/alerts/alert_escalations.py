"""The escalations of one alert: begun, held, taken to their next step and stopped, inside the
transaction that has locked it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tocsin.alerts import escalation_log
from tocsin.alerts.alert_case import AlertCase, AskedPerson, KnownEscalations
from tocsin.alerts.changes import AlertDetails
from tocsin.alerts.escalation_pages import PageMaker, step_document
from tocsin.alerts.escalation_rows import (
    EscalationRow,
    EscalationRows,
    EscalationStepRow,
    EscalationUpdate,
    HeldPages,
    PostponedPages,
    ResumedPages,
    RunningEscalation,
    encoded,
)
from tocsin.alerts.on_call_book import AlertSurroundings, OnCallBook, last_resort
from tocsin.alerts.rows import SYSTEM_JSON, AlertRows
from tocsin.model import (
    AlertEventKind,
    AlertStatus,
    EscalationState,
    EventType,
    Reason,
    SkipReason,
    StopReason,
    iso,
    uuid7_bytes,
)
from tocsin.oncall.policy import Decision, Hold, OnDuty, Progress, StepPage, StepTaken, decide, stop
from tocsin.oncall.policy_shapes import Policy
from tocsin.routing.holds import quiet_hours
from tocsin.routing.holds.base import Held, RuleFacts
from tocsin.routing.judge import Judge
from tocsin.routing.plan import NO_HISTORY, Occasion
from tocsin.routing.rules import Rule
from tocsin.routing.subject import Subject

LOOK_AGAIN = timedelta(seconds=15)
"""So soon a hold is looked at again of which nobody knows when it ends."""


@dataclass(slots=True)
class SharedByAlerts:
    """What the alerts of one transaction share. `on_duty`: by schedule, whom it names now; `turns`: by
    policy, whom each step that asks one at a time asks next."""

    rows: EscalationRows = field(default_factory=EscalationRows)
    on_duty: Mapping[UUID, Sequence[OnDuty]] = field(default_factory=dict)
    turns: dict[UUID, dict[int, int]] = field(default_factory=dict)
    trouble: list[escalation_log.EscalationTrouble | escalation_log.SkippedTargets] = field(
        default_factory=list
    )


@dataclass(slots=True)
class AlertEscalations:
    """Those of one alert that is open, or whose responders somebody asks for."""

    shared: SharedByAlerts
    case: AlertCase
    known: KnownEscalations
    details: AlertDetails
    subject: Subject
    pages: PageMaker
    alert_rows: AlertRows
    judge: Judge
    now: datetime
    wanted: dict[UUID, Rule] = field(init=False)
    """The policies that rules name for this alert, each with the first rule that does."""

    def __post_init__(self) -> None:
        self.wanted = self._wanted(self.judge) if self.case.asks else {}

    def policies(self) -> Iterator[Policy]:
        """Those that may be asked."""
        book = self.case.book
        for policy_id in self.wanted:
            if policy_id in book.policies:
                yield book.policies[policy_id]
        for each in self.known.live:
            if (policy := book.policy(each.policy_id, each.policy_version)) is not None:
                yield policy

    def run(self) -> None:
        """Decide about all of them, and put down what follows."""
        case, rows, known = self.case, self.shared.rows, self.known
        for person in case.people:
            self._ask(person)
        if case.alert.status is not AlertStatus.OPEN:
            return
        judge, wanted = self.judge, dict(self.wanted)
        if not (wanted or case.has_history):
            return
        held = self._held(judge)
        if judge.is_overdrawn:
            return
        running = {each.policy_id: each for each in known.live}
        for policy_id, each in running.items():
            if policy_id in wanted and self._starts_over(each):
                stopped = stop(each.progress, StopReason.SUPERSEDED).progress
                update = EscalationUpdate.of(each.id, stopped, StopReason.SUPERSEDED, None)
                rows.updated.append(update)
                continue
            wanted.pop(policy_id, None)
            self._look(each, held, judge)
        for policy_id, rule in wanted.items():
            policy = case.book.policies.get(policy_id)
            if policy is not None:
                self._begin(policy, rule, known.rounds.get(policy_id, 0) + 1, held, judge)
        if not case.has_history:
            return
        if held is None:
            rows.released.add(case.alert.id)
        elif not running:
            until = held.until or self.now + LOOK_AGAIN
            rows.postponed.append(PostponedPages(case.alert.id, until))

    def _ask(self, person: AskedPerson) -> None:
        """By all their contact methods in their order, unless somebody has taken the alert on already:
        then by the first ones, once."""
        newest = self.known.newest
        rule_id = None if newest is None else newest.rule_id
        planned = AlertSurroundings(
            self.pages.directory.on_call.get(self.case.entry.workspace_id, OnCallBook()),
            self.case.entry.routing,
            self.subject,
            self.judge,
            self.now,
            {},
            {},
        ).pages(person.user_id)
        is_open = self.case.alert.status is AlertStatus.OPEN
        if planned and not (is_open and self.case.entry.on_call is not None):
            first = min(page.delay for page in planned)
            planned = [StepPage(each.destination_id) for each in planned if each.delay == first]
        for page in planned:
            row = self.pages.of_person(rule_id, person.user_id, page, person.detail, person.note)
            self.shared.rows.pages.append(row)

    def _wanted(self, judge: Judge) -> dict[UUID, Rule]:
        wanted: dict[UUID, Rule] = {}
        listening = self.case.entry.routing.listening.get(EventType.TRIGGERED)
        if listening is None or not self.case.entry.routing.escalates:
            return wanted
        for rule in listening.may_match(self.subject):
            policy_id = rule.escalation_policy_id
            if policy_id is not None and rule.matches(self.subject, judge):
                wanted.setdefault(policy_id, rule)
        return wanted

    def _starts_over(self, each: RunningEscalation) -> bool:
        """An alert that has become worse goes on where it is, unless its policy has steps that the
        lower severity kept out."""
        if not self.case.is_worse:
            return True
        policy = self.case.book.policy(each.policy_id, each.policy_version)
        return policy is None or any(
            step.condition is not None and step.condition.min_severity is not None
            for step in policy.steps
        )

    def _held(self, judge: Judge) -> Hold | None:
        """By what the alert is held now, whichever rule asks. That it flaps is no reason to be quiet: a
        flapping outage is an outage."""
        table = self.case.entry.routing
        occasion = Occasion(table, EventType.TRIGGERED, self.subject, NO_HISTORY, self.now, judge)
        holds = [each for each in occasion.held() if each.reason is not Reason.FLAPPING]
        return _longest(holds)

    def _held_by_rule(self, rule_id: UUID) -> Hold | None:
        rule = self.case.entry.routing.by_id.get(rule_id)
        if rule is None or rule.quiet_hours is None:
            return None
        facts = RuleFacts(rule, rule_id, EventType.TRIGGERED, self.subject, NO_HISTORY, self.now)
        found = quiet_hours.HOLD.applies(facts)
        return None if found is None else _longest([found])

    def _begin(
        self, policy: Policy, rule: Rule, round: int, held: Hold | None, judge: Judge
    ) -> None:
        id, progress = uuid7_bytes(), Progress()
        held = held or self._held_by_rule(rule.id)
        decision = self._decide(policy, progress, held, judge)
        update = self._written(id, policy, rule.id, progress, decision)
        self.shared.rows.begun.append(
            EscalationRow(
                id=id,
                workspace_id=self.case.entry.workspace_id.bytes,
                alert_id=self.case.alert.id,
                escalation_policy_id=policy.id.bytes,
                policy_version=policy.version,
                alert_rule_id=rule.id.bytes,
                round=round,
                state=update.state,
                reason=update.reason,
                loop=update.loop,
                step=update.step,
                step_due_at=update.step_due_at,
                next_at=update.next_at,
                held_since=update.held_since,
                paged=update.paged,
            )
        )

    def _look(self, each: RunningEscalation, held: Hold | None, judge: Judge) -> None:
        policy = self.case.book.policy(each.policy_id, each.policy_version) or _unknown(each)
        held = held or self._held_by_rule(each.rule_id)
        decision = self._decide(policy, each.progress, held, judge)
        update = self._written(each.id, policy, each.rule_id, each.progress, decision)
        self.shared.rows.updated.append(update)

    def _decide(
        self, policy: Policy, progress: Progress, held: Hold | None, judge: Judge
    ) -> Decision:
        surroundings = AlertSurroundings(
            self.case.book,
            self.case.entry.routing,
            self.subject,
            judge,
            self.now,
            self.shared.on_duty,
            self.shared.turns.get(policy.id, {}),
        )
        decision = decide(
            policy,
            progress,
            self.case.alert.status,
            held,
            surroundings,
            self.now,
            forced=self.case.forced is not None,
        )
        if decision.turns:
            self.shared.turns.setdefault(policy.id, {}).update(decision.turns)
        return decision

    def _written(
        self, id: bytes, policy: Policy, rule_id: UUID, before: Progress, decision: Decision
    ) -> EscalationUpdate:
        """Put down all that a decision means but the row of the escalation itself, which is
        returned."""
        rows, alert_id, progress = self.shared.rows, self.case.alert.id, decision.progress
        named = {"id": str(policy.id), "name": policy.name, "version": policy.version}
        about: dict[str, Any] = {"escalation_id": str(UUID(bytes=id)), "policy": named}
        if decision.resumed:
            rows.resumed.append(ResumedPages(alert_id, id))
            self._happened(AlertEventKind.ESCALATION_RESUMED, about)
        reason, next_at = None, progress.due_at
        if decision.held is not None:
            held = decision.held
            reason, next_at = held.reason, held.until or self.now + LOOK_AGAIN
            if before.state is not EscalationState.HELD:
                assert progress.held_since is not None
                rows.held.append(HeldPages(alert_id, id, progress.held_since, held.reason))
                until = {} if held.until is None else {"until": iso(held.until)}
                self._happened(
                    AlertEventKind.ESCALATION_HELD, {**about, "reason": held.reason, **until}
                )
        forced = self.case.forced
        for taken in decision.taken:
            document = step_document(taken, policy, self.case.book, self.case.entry.routing)
            if forced is not None:
                document["actor"] = dict(forced.actor)
            rows.steps.append(EscalationStepRow(id, taken.loop, taken.step, encoded(document)))
            self._happened(
                AlertEventKind.ESCALATED,
                {**about, **document},
                SYSTEM_JSON if forced is None else forced.actor_json,
            )
            rows.pages += self.pages.of_step(id, policy, rule_id, taken, self.case.book)
            self._skipped(policy, taken)
        if progress.state is EscalationState.EXHAUSTED:
            nobody = all(each.is_passed for each in decision.taken) and progress.due_at is None
            never = nobody and before.due_at is None
            reason = "nobody_reached" if never else "no_acknowledgement"
            self._exhausted(id, policy, rule_id, about, reason)
        return EscalationUpdate.of(id, progress, reason, next_at)

    def _skipped(self, policy: Policy, taken: StepTaken) -> None:
        """Never silent: whom a step names and does not reach is said outside the alert, too."""
        reasons = [each.reason for each in taken.skipped if each.reason is not SkipReason.CONDITION]
        if reasons:
            self.shared.trouble.append(
                escalation_log.SkippedTargets(
                    reasons=tuple(reason.value for reason in reasons),
                    alert_id=UUID(bytes=self.case.alert.id),
                    policy=policy.name,
                    step=taken.step + 1,
                    is_passed=taken.is_passed,
                )
            )

    def _exhausted(
        self, id: bytes, policy: Policy, rule_id: UUID, about: dict[str, Any], reason: str
    ) -> None:
        """Never silent: the policy's last resort is notified, or the workspace's fallback."""
        destination = last_resort(policy, self.case.entry.routing)
        if destination is not None:
            self.shared.rows.pages.append(
                self.pages.fallback(id, policy, rule_id, destination.id, reason)
            )
            fallback = {"id": str(destination.id), "name": destination.name}
            about = {**about, "fallback": fallback}
        self._happened(AlertEventKind.ESCALATION_EXHAUSTED, {**about, "reason": reason})
        self.shared.trouble.append(
            escalation_log.EscalationTrouble(
                reason=reason,
                alert_id=UUID(bytes=self.case.alert.id),
                policy=policy.name,
                fallback=None if destination is None else destination.name,
            )
        )

    def _happened(
        self, kind: AlertEventKind, detail: dict[str, Any], actor_json: bytes = SYSTEM_JSON
    ) -> None:
        self.alert_rows.happened(
            self.case.alert.id, kind, detail, at=self.now, actor_json=actor_json
        )


def _longest(holds: Sequence[Held]) -> Hold | None:
    """Of several, the reason is that of the first, and it lasts as long as any is known to."""
    if not holds:
        return None
    ends = [each.until for each in holds]
    known = [end for end in ends if end is not None]
    until = max(known) if len(known) == len(ends) else None
    starts = [start for each in holds if (start := _began(each)) is not None]
    return Hold(holds[0].reason, until, min(starts) if starts else None)


def _began(held: Held) -> datetime | None:
    """When a hold began, where its evidence says so."""
    described = held.evidence.get("window") or held.evidence.get("silence") or {}
    started = described.get("starts_at")
    return None if started is None else datetime.fromisoformat(started)


def _unknown(each: RunningEscalation) -> Policy:
    """A policy of which nobody knows the version any more: nobody is left to be reached by it."""
    return Policy(each.policy_id, each.policy_version, "an escalation policy since deleted", ())
