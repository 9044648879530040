"""The deliveries that a transaction makes: rules asked, history looked up, rows made.

`routing.plan` decides; this room only brings it what was said before and writes down what it says.
The same for webhooks and for what a person does, so that both commit with the messages they make.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.alerts.alert_timers import AlertTimers
from tocsin.alerts.changes import ENDINGS, AlertChange, AlertDetails, Reminding
from tocsin.alerts.directory import Directory
from tocsin.alerts.inhibiting import Inhibited, inhibit
from tocsin.alerts.looks import Looks
from tocsin.alerts.matching_budgets import MatchingBudgets, Question
from tocsin.alerts.notification_rows import (
    GroupJoined,
    PendingDelivery,
    Settlement,
    StartedCooldown,
    cooldown_parameters,
    insert_parameters,
    join_parameters,
    settle_parameters,
)
from tocsin.alerts.notified import (
    HeldOfAlerts,
    LastNotified,
    Notified,
    cooling_keys,
    read_details,
    read_last_notified,
    read_past,
)
from tocsin.alerts.planned_rows import planned_rows
from tocsin.model import AlertDeliveryStatus, AlertWords, EventType, Severity, TimerKind
from tocsin.routing.history import History, NotifiedTrigger
from tocsin.routing.judge import Judge
from tocsin.routing.plan import NOTES, PlannedDelivery, StartedCooldowns, plan
from tocsin.routing.reminders import remind
from tocsin.routing.subject import Subject, alert_key_id
from tocsin.routing.worsened import worsened
from tocsin.store import arrays
from tocsin.store.pipe import Call, Pipe
from tocsin.store.statements import prepared
from tocsin.turns import Pace


@dataclass(slots=True)
class Planning:
    """What one transaction makes. `plan` it once, then execute its `calls`."""

    budgets: MatchingBudgets = field(default_factory=lambda: MatchingBudgets(None))
    pace: Pace | None = None
    _rows: dict[bytes, list[PendingDelivery]] = field(default_factory=dict)
    """By alert, each in the order of its events."""
    _notified: Notified = field(default_factory=dict)
    _last_notified: LastNotified = field(default_factory=dict)
    _started: list[StartedCooldown] = field(default_factory=list)
    _settled: list[Settlement] = field(default_factory=list)
    _worse: dict[bytes, Severity] = field(default_factory=dict)
    """Alerts that became worse: what is pending of them is as urgent now."""
    timers: AlertTimers = field(default_factory=AlertTimers)
    reminded: set[bytes] = field(default_factory=set)
    """Alerts of which anybody is reminded."""
    _joined: list[GroupJoined] = field(default_factory=list)
    _inhibited: Inhibited = field(default_factory=Inhibited)
    _never_notified: set[tuple[UUID, UUID]] = field(default_factory=set)
    _uncooled: set[UUID] = field(default_factory=set)
    """Alert keys of which no cooldown is expected to run."""

    async def plan(
        self,
        pipe: Pipe,
        events: Sequence[AlertChange],
        looks: Sequence[AlertChange],
        standing: Sequence[AlertChange],
        words: Mapping[bytes, AlertWords],
        directory: Directory,
        now: datetime,
        *,
        is_news: bool = False,
    ) -> None:
        """`looks`: alerts of which held messages are to be looked at again, as they are in the end;
        `standing`: those that may hold others, or be held by them, from now on or no longer.
        `words`: those of older alerts that this transaction is going to replace. `is_news`: nothing is
        known of any alert key, which will turn out (`doubts`). If a judge is overdrawn afterwards,
        there is no plan."""
        described = (*events, *looks, *standing)
        details: dict[bytes, AlertDetails] = {}
        if standing:
            # The locks of inhibition come before any row that is withdrawn.
            details = await read_details(pipe, described, words)
            self._inhibited = await inhibit(pipe, standing, details, self.budgets, now)
            described = ()
        past = await read_past(pipe, described, events, looks, words)
        details |= past.details
        self._notified = past.notified
        cooling = cooling_keys((*events, *looks), details)
        if is_news:
            self._uncooled = cooling
        else:
            self._last_notified = await read_last_notified(pipe, cooling)
        for event in events:
            if self.pace is not None and self.pace.is_due:
                await self.pace.rest()
            judge = self.budgets.of(event.entry.workspace_id)
            if judge.is_overdrawn:
                continue
            withdrawn = past.canceled.get(event.alert.id, {})
            self._plan(event, details[event.alert.id], withdrawn, directory, now, judge)
        if looks:
            await self._look(looks, past.held, details, now)
        self._leave_questions((*events, *looks, *standing), details)

    async def _look(
        self,
        looks: Sequence[AlertChange],
        held: HeldOfAlerts,
        details: Mapping[bytes, AlertDetails],
        now: datetime,
    ) -> None:
        found = Looks(held, self._last_notified, self._inhibited, now)
        for each in looks:
            if self.pace is not None and self.pace.is_due:
                await self.pace.rest()
            judge = self.budgets.of(each.entry.workspace_id)
            if not judge.is_overdrawn:
                pending = self._rows.get(each.alert.id, ())
                found.look(each, details[each.alert.id], pending, judge)
        self._settled = found.settlements
        self._joined = found.joined
        for alert_key, cooldowns in found.started:
            self._start_cooldowns(cooldowns, alert_key, now)

    def _leave_questions(
        self, events: Sequence[AlertChange], details: Mapping[bytes, AlertDetails]
    ) -> None:
        overdrawn = self.budgets.overdrawn
        if not overdrawn:
            return
        for event in events:
            workspace_id = event.entry.workspace_id
            if workspace_id in overdrawn:
                event_type = EventType.TRIGGERED if event.is_worse else event.event_type
                subject = event.subject(details[event.alert.id])
                self.budgets.leave(workspace_id, Question(event.entry.routing, event_type, subject))

    def _plan(
        self,
        event: AlertChange,
        details: AlertDetails,
        canceled: Mapping[UUID, AlertDeliveryStatus],
        directory: Directory,
        now: datetime,
        judge: Judge,
    ) -> None:
        table, subject = event.entry.routing, self._inhibited.subject(event, details)
        alert_key = None
        if table.has_cooldowns or event.event_type in ENDINGS:
            alert_key = alert_key_id(event.entry.id, details.external_id)
        withdrawn: Mapping[UUID, AlertDeliveryStatus] = {}
        if event.event_type in ENDINGS:
            withdrawn = self._withdraw(event.alert.id, canceled)
            # What was held had started no cooldown: the one that runs is of a message that was sent.
            queued = AlertDeliveryStatus.QUEUED
            self._end_cooldowns(alert_key, {d for d, stood in withdrawn.items() if stood is queued})
        history = History(
            last_notified=self._last_notified.get(alert_key, {}) if alert_key else {},
            notified_trigger=self._notified.get(event.alert.id, {}),
        )
        if event.reminding is not None:
            self._remind(event, event.reminding, subject, details, history, directory, now, judge)
            return
        if event.is_worse:
            outcome = worsened(table, subject, history, now, judge)
            self._worse[event.alert.id] = event.alert.severity
        else:
            outcome = plan(table, event.event_type, subject, history, now, judge)
        rows = planned_rows(event, details, outcome.deliveries, directory, now)
        for row, delivery in zip(rows, outcome.deliveries, strict=True):
            if withdrawn and delivery.destination_id in withdrawn:
                row.withdraw()
            self._add(row, delivery)
        self._start_cooldowns(outcome.cooldowns, alert_key, now)

    def _remind(
        self,
        event: AlertChange,
        reminding: Reminding,
        subject: Subject,
        details: AlertDetails,
        history: History,
        directory: Directory,
        now: datetime,
        judge: Judge,
    ) -> None:
        table = event.entry.routing
        deliveries = remind(table, subject, history, reminding.since.keys(), now, judge)
        if not reminding.only_set:
            rows = planned_rows(event, details, deliveries, directory, now)
            for row, delivery in zip(rows, deliveries, strict=True):
                self._add(row, delivery)
                self.reminded.add(event.alert.id)
            return
        for delivery in deliveries:
            if delivery.remind_after is not None:
                due = reminding.since[delivery.destination_id] + delivery.remind_after
                self.timers.set(event.alert.id, TimerKind.REMINDER, due, delivery.destination_id)

    @property
    def inhibited(self) -> Inhibited:
        """By what alerts are held that another may hold, once it is planned."""
        return self._inhibited

    def notified_now(self) -> Mapping[bytes, frozenset[UUID]]:
        """By alert, the destinations that are notified of its trigger at once."""
        queued, triggered = AlertDeliveryStatus.QUEUED, EventType.TRIGGERED
        return {
            alert_id: frozenset(
                row.destination_id
                for row in rows
                if row.status is queued and row.event_type is triggered
            )
            for alert_id, rows in self._rows.items()
        }

    def set_reminders(self, now: datetime) -> None:
        """For whoever is notified now and is to be notified again."""
        for row in (row for rows in self._rows.values() for row in rows):
            goes = row.status is AlertDeliveryStatus.QUEUED or row.group is not None
            if goes and row.remind_after is not None:
                due = now + row.remind_after
                self.timers.set(row.alert_id, TimerKind.REMINDER, due, row.destination_id)
        for each in self._settled:
            after, group = each.looked.remind_after, each.looked.group
            goes = each.looked.status is AlertDeliveryStatus.QUEUED or group is not None
            if goes and after is not None:
                self.timers.set(each.alert_id, TimerKind.REMINDER, now + after, each.destination_id)

    def _add(self, row: PendingDelivery, delivery: PlannedDelivery) -> None:
        self._rows.setdefault(row.alert_id, []).append(row)
        if _stands_for_trigger(row):
            self._notified.setdefault(row.alert_id, {})[row.destination_id] = NotifiedTrigger(
                row.status, row.reason, row.send_after, delivery.rule_ids
            )

    def _withdraw(
        self, alert_id: bytes, canceled: Mapping[UUID, AlertDeliveryStatus]
    ) -> dict[UUID, AlertDeliveryStatus]:
        """Of an alert that ends: what this very transaction planned for destinations that its
        trigger, planned here or canceled just now, never reached. These, with how it stood there."""
        rows = [row for row in self._rows.get(alert_id, ()) if row.is_pending]
        unreached = dict(canceled)
        for row in rows:
            if row.event_type is not EventType.TRIGGERED:
                continue
            if row.is_held_for_flapping:
                row.withdraw()
            elif not (row.is_held and row.destination_id in unreached):
                grouped = row.group is not None
                unreached[row.destination_id] = (
                    AlertDeliveryStatus.QUEUED if grouped else row.status
                )
        for row in rows:
            if row.destination_id in unreached and row.event_type not in NOTES:
                row.withdraw()
        return unreached

    def _start_cooldowns(
        self, cooldowns: StartedCooldowns, alert_key: UUID | None, now: datetime
    ) -> None:
        if alert_key is None:
            return
        for rule_id, destination_id, expires_at in cooldowns:
            self._last_notified.setdefault(alert_key, {})[rule_id, destination_id] = now
            self._started.append(
                StartedCooldown(alert_key, rule_id, destination_id, now, expires_at)
            )

    def _end_cooldowns(self, alert_key: UUID | None, withdrawn: set[UUID]) -> None:
        """A message that was withdrawn notified nobody, so it must not mute the next one."""
        if alert_key is None or not withdrawn:
            return
        self._never_notified |= {(destination_id, alert_key) for destination_id in withdrawn}
        self._started = [
            each
            for each in self._started
            if each.alert_key != alert_key or each.destination_id not in withdrawn
        ]
        last_notified = self._last_notified.get(alert_key, {})
        for rule_id, destination_id in list(last_notified):
            if destination_id in withdrawn:
                del last_notified[rule_id, destination_id]

    def doubts(self) -> list[Call]:
        """The statements that make void what the transaction writes, where it is no news after all; each
        gives a row then."""
        if not self._uncooled:
            return []
        keys = arrays.uuids(sorted(key.bytes for key in self._uncooled))
        return [(prepared("void_if_cooled"), {"alert_keys": keys})]

    def calls(self, now: datetime) -> list[Call]:
        """The statements that write all of it, in order."""
        rows = [row for of_alert in self._rows.values() for row in of_alert]
        joined = self._joined + [
            GroupJoined(
                row.group,
                row.workspace_id,
                row.alert_id,
                row.event_type is EventType.TRIGGERED,
                self._worse.get(row.alert_id, row.urgency),
            )
            for row in rows
            if row.group is not None
        ]
        queued = AlertDeliveryStatus.QUEUED
        wakes = any(row.status is queued for row in rows) or any(
            each.looked.status is queued for each in self._settled
        )
        planned: list[tuple[str, Mapping[str, Any] | None]] = [
            ("forget_cooldowns", self._forgotten()),
            ("remember_cooldowns", cooldown_parameters(self._started)),
            ("settle_held", settle_parameters(self._settled, now)),
            ("hasten_deliveries", self._hasten()),
            ("insert_alert_deliveries", insert_parameters(rows, now)),
            ("notify_deliveries", {} if wakes else None),
            ("join_groups", join_parameters(joined, now)),
        ]
        return [
            (prepared(name), parameters) for name, parameters in planned if parameters is not None
        ]

    def _forgotten(self) -> dict[str, Any] | None:
        if not self._never_notified:
            return None
        pairs = sorted(self._never_notified)
        return {
            "destination_ids": arrays.uuids([destination_id.bytes for destination_id, _ in pairs]),
            "alert_keys": arrays.uuids([alert_key.bytes for _, alert_key in pairs]),
        }

    def _hasten(self) -> dict[str, Any] | None:
        if not self._worse:
            return None
        return {
            "alert_ids": arrays.uuids(list(self._worse)),
            "urgencies": arrays.texts([each.value for each in self._worse.values()]),
        }


def _stands_for_trigger(row: PendingDelivery) -> bool:
    """Whether what follows goes by it. A trigger that is held because its alert flaps tells nothing by
    itself."""
    if row.event_type in NOTES:
        return row.status is not AlertDeliveryStatus.SUPPRESSED
    return row.event_type is EventType.TRIGGERED and not row.is_held_for_flapping
