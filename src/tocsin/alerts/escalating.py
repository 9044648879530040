"""Escalations inside the transaction that changes alerts: begun, held, taken to their next step and
stopped with them.

`oncall.policy` decides; this brings it what it asks and writes down what it says, so that a step and the
pages it makes commit together, and with the change of the alert that caused them. Only workspaces with
escalation policies pay for any of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.alerts.alert_case import (
    AlertCase,
    AskedPerson,
    EndOfAlert,
    ForcedStep,
    KnownEscalations,
    NewAcknowledgement,
)
from tocsin.alerts.alert_escalations import AlertEscalations, SharedByAlerts
from tocsin.alerts.alert_timers import AlertTimers
from tocsin.alerts.changes import AlertDetails
from tocsin.alerts.correlate import AlertState
from tocsin.alerts.directory import Directory, IntegrationEntry
from tocsin.alerts.escalation_pages import PageMaker
from tocsin.alerts.escalation_rows import (
    AcknowledgementRow,
    CanceledPages,
    EscalationUpdate,
    RunningEscalation,
    TurnRow,
)
from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.alerts.notified import read_details
from tocsin.alerts.on_call import who_is_on_call
from tocsin.alerts.page_ends import rows_of_ends, who_was_paged
from tocsin.alerts.planning import Planning
from tocsin.alerts.rows import SYSTEM_JSON, AlertRows
from tocsin.alerts.stored import StoredAlert
from tocsin.model import (
    AlertEventKind,
    AlertStatus,
    EscalationState,
    EventType,
    Reason,
    Severity,
    StepMode,
    TargetKind,
    TimerKind,
)
from tocsin.oncall.policy import stop, stop_reason
from tocsin.oncall.policy_shapes import Policy
from tocsin.routing.plan import ENDINGS
from tocsin.store import arrays
from tocsin.store.pipe import Call, Pipe, Row
from tocsin.store.statements import prepared

REMINDED_BEFORE = timedelta(minutes=5)
"""So long before their acknowledgement expires its giver is reminded."""

_CANCELS = {
    AlertStatus.ACKNOWLEDGED: Reason.ACKNOWLEDGED_BEFORE_SENT,
    AlertStatus.RESOLVED: Reason.RESOLVED_BEFORE_SENT,
    AlertStatus.CLOSED: Reason.RESOLVED_BEFORE_SENT,
}


@dataclass(slots=True)
class Escalating:
    """What one transaction does about escalations. `plan` it once, then execute its `calls`."""

    budgets: MatchingBudgets
    timers: AlertTimers
    _shared: SharedByAlerts = field(default_factory=SharedByAlerts)
    _cases: dict[bytes, AlertCase] = field(default_factory=dict)

    def changed(
        self,
        alert: AlertState,
        entry: IntegrationEntry,
        details: AlertDetails | None,
        event_type: EventType,
        *,
        is_worse: bool = False,
        is_old: bool = False,
        ended: EndOfAlert | None = None,
    ) -> None:
        """An alert was opened, became worse, was acknowledged, or is over; `ended`: by whom, if it was
        not by its source."""
        if entry.on_call is None and (event_type is EventType.TRIGGERED or not entry.pages_people):
            return
        case = self._case(alert, entry, details, has_history=is_old or details is None)
        if event_type in ENDINGS:
            case.ended = ended or EndOfAlert(event_type, entry.name)
        if event_type is EventType.TRIGGERED:
            case.asks = True
            case.is_worse = case.is_worse or is_worse
            acknowledged = alert.status is AlertStatus.ACKNOWLEDGED
            if (
                is_worse
                and acknowledged
                and alert.severity is Severity.CRITICAL
                and entry.routing.escalates
            ):
                # It was acknowledged as something less.
                alert.status, alert.acknowledged_at = AlertStatus.OPEN, None
                case.is_taken_back = True

    def acknowledge(self, stored: StoredAlert, acknowledgement: NewAcknowledgement) -> None:
        """A person has acknowledged the alert."""
        if stored.entry.on_call is not None or acknowledgement.until is not None:
            case = self._case(stored.state, stored.entry, stored.details, has_history=True)
            case.acknowledgement = acknowledgement

    def ask(self, stored: StoredAlert, person: AskedPerson) -> None:
        """Page somebody apart from all steps."""
        case = self._case(stored.state, stored.entry, stored.details, has_history=True)
        case.people.append(person)

    def look(self, stored: StoredAlert, forced: ForcedStep | None = None) -> None:
        """Something is due, a hold may be over, or somebody wants the next step at once."""
        if stored.entry.on_call is not None:
            case = self._case(stored.state, stored.entry, stored.details, has_history=True)
            case.forced = forced or case.forced

    def _case(
        self,
        alert: AlertState,
        entry: IntegrationEntry,
        details: AlertDetails | None,
        *,
        has_history: bool,
    ) -> AlertCase:
        case = self._cases.get(alert.id)
        if case is None:
            case = self._cases[alert.id] = AlertCase(alert, entry, details, has_history)
        return case

    async def plan(
        self,
        pipe: Pipe,
        alert_rows: AlertRows,
        planning: Planning,
        directory: Directory,
        now: datetime,
    ) -> None:
        """Decide about all of it, after `planning` has its plan. If a judge is overdrawn afterwards,
        there is no plan."""
        if not self._cases:
            return
        over = [case for case in self._cases.values() if case.is_over]
        known, paged = await self._read(pipe, over)
        escalating: list[AlertCase] = []
        for case in self._cases.values():
            if case.is_taken_back:
                alert_rows.happened(
                    case.alert.id,
                    AlertEventKind.UNACKNOWLEDGED,
                    {"reason": "severity_raised"},
                    at=now,
                    actor_json=SYSTEM_JSON,
                )
            if case.alert.status is not AlertStatus.OPEN:
                self._stop(case, known.get(case.alert.id, KnownEscalations()), now)
            if case.people or (
                case.alert.status is AlertStatus.OPEN and (case.asks or case.has_history)
            ):
                escalating.append(case)
        if paged:
            self._shared.rows.pages += await rows_of_ends(
                pipe, over, paged, alert_rows, directory, now
            )
        if not escalating:
            return
        changes = [case.change() for case in escalating]
        details = await read_details(pipe, changes, alert_rows.words)
        notified = planning.notified_now()
        escalations = [
            AlertEscalations(
                self._shared,
                case,
                known.get(case.alert.id, KnownEscalations()),
                details[case.alert.id],
                planning.inhibited.subject(change, details[case.alert.id]),
                PageMaker(
                    change,
                    details[case.alert.id],
                    directory,
                    now,
                    set(notified.get(case.alert.id, ())),
                ),
                alert_rows,
                self.budgets.of(case.entry.workspace_id),
                now,
            )
            for case, change in zip(escalating, changes, strict=True)
        ]
        policies = _policies(escalations)
        await self._lock_turns(pipe, policies)
        schedules = {
            target.id
            for policy in policies
            for step in policy.steps
            for target in step.targets
            if target.type is TargetKind.SCHEDULE
        }
        self._shared.on_duty = await who_is_on_call(pipe, sorted(schedules), now)
        for each in escalations:
            each.run()

    async def _read(
        self, pipe: Pipe, over: Sequence[AlertCase]
    ) -> tuple[dict[bytes, KnownEscalations], Sequence[Row]]:
        """What there is of escalations, and who was paged of what is over now."""
        known: dict[bytes, KnownEscalations] = {}
        old = sorted(case.alert.id for case in self._cases.values() if case.has_history)
        if not old:
            return known, ()
        calls: list[Call] = [(prepared("read_escalations"), {"ids": arrays.uuids(old)})]
        if over:
            calls.append(who_was_paged(over))
        found = await pipe.run(*calls)
        for row in found[0]:
            of_alert = known.setdefault(row.alert_id.bytes, KnownEscalations())
            of_alert.rounds[row.escalation_policy_id] = row.round
            of_alert.newest = RunningEscalation.of_row(row)
            if EscalationState(row.state).is_live:
                of_alert.live.append(of_alert.newest)
        return known, found[1] if over else ()

    def _stop(self, case: AlertCase, known: KnownEscalations, now: datetime) -> None:
        """The alert is acknowledged, or over: nobody is paged any more."""
        if case.acknowledgement is not None:
            self._acknowledge(case, case.acknowledgement, known, now)
        if case.has_history:
            self._shared.rows.canceled.append(
                CanceledPages(case.alert.id, _CANCELS[case.alert.status])
            )
        reason = stop_reason(case.alert.status)
        assert reason is not None
        for each in known.live:
            stopped = stop(each.progress, reason).progress
            self._shared.rows.updated.append(EscalationUpdate.of(each.id, stopped, reason, None))

    def _acknowledge(
        self,
        case: AlertCase,
        acknowledgement: NewAcknowledgement,
        known: KnownEscalations,
        now: datetime,
    ) -> None:
        """Until when an acknowledgement counts: as said, or as long as the policy lets it."""
        alert_id, until = case.alert.id, acknowledgement.until
        if until is None and (newest := known.newest) is not None:
            policy = case.book.policy(newest.policy_id, newest.policy_version)
            timeout = None if policy is None else policy.ack_timeout(case.alert.severity)
            until = None if timeout is None else now + timeout
        by = None if acknowledgement.by is None else acknowledgement.by.bytes
        self._shared.rows.acknowledged.append(AcknowledgementRow(alert_id, by, until))
        if until is not None:
            self.timers.set(alert_id, TimerKind.ACKNOWLEDGEMENT_EXPIRES, until)
            if until - REMINDED_BEFORE > now:
                at = until - REMINDED_BEFORE
                self.timers.set(alert_id, TimerKind.ACKNOWLEDGEMENT_REMINDER, at)

    async def _lock_turns(self, pipe: Pipe, policies: Iterable[Policy]) -> None:
        places = sorted(
            {
                (policy.id, place)
                for policy in policies
                for place, step in enumerate(policy.steps)
                if step.mode is StepMode.ROUND_ROBIN
            }
        )
        if not places:
            return
        begin = {
            "policy_ids": arrays.uuids([policy_id.bytes for policy_id, _ in places]),
            "steps": arrays.integers([place for _, place in places]),
        }
        lock = {"policy_ids": arrays.uuids(sorted({policy_id.bytes for policy_id, _ in places}))}
        _, rows = await pipe.run((prepared("begin_turns"), begin), (prepared("lock_turns"), lock))
        for row in rows:
            self._shared.turns.setdefault(row.escalation_policy_id, {})[row.step] = row.next

    def calls(self, now: datetime) -> list[Call]:
        """The statements that write all of it, in order."""
        self._shared.rows.turns = [
            TurnRow(policy_id.bytes, place, next)
            for policy_id, places in sorted(self._shared.turns.items())
            for place, next in sorted(places.items())
        ]
        return self._shared.rows.calls(now)

    def report(self) -> None:
        """Once it is committed: what went wrong, in words and numbers."""
        for trouble in self._shared.trouble:
            trouble.report()


def _policies(escalations: Iterable[AlertEscalations]) -> list[Policy]:
    """Those that may be asked."""
    found: dict[tuple[UUID, int], Policy] = {}
    for each in escalations:
        found |= {(policy.id, policy.version): policy for policy in each.policies()}
    return list(found.values())
