"""Looking again at what is held of alerts, inside the transaction that has locked them.

`routing.look` decides; this brings it what is held, of earlier transactions and of this one, and keeps
what it says until it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.alerts.changes import AlertChange, AlertDetails
from tocsin.alerts.inhibiting import Inhibited
from tocsin.alerts.notification_rows import GroupJoined, PendingDelivery, Settlement
from tocsin.alerts.notified import HeldOfAlerts, LastNotified
from tocsin.model import AlertDeliveryStatus, EventType
from tocsin.routing.history import History, NotifiedTrigger, named_rules
from tocsin.routing.judge import Judge
from tocsin.routing.look import HeldDelivery, Looked, look
from tocsin.routing.plan import NOTES
from tocsin.routing.subject import alert_key_id

_NEWS = NOTES | {EventType.TRIGGERED}
_UP_TO_DATE = _NEWS | {EventType.REMINDER}

Started = tuple[UUID, Sequence[tuple[UUID, UUID, datetime]]]
"""An alert key, and the cooldowns that begin for it: rule, destination, end."""


@dataclass(slots=True)
class Looks:
    """What is decided about held messages: `settlements` of earlier transactions' messages; those of
    this one are changed in place."""

    held: HeldOfAlerts
    last_notified: LastNotified
    inhibited: Inhibited
    now: datetime
    settlements: list[Settlement] = field(default_factory=list)
    started: list[Started] = field(default_factory=list)
    joined: list[GroupJoined] = field(default_factory=list)
    """What waits in a group: one that became worse may send its message at once."""

    def look(
        self,
        change: AlertChange,
        details: AlertDetails,
        pending: Sequence[PendingDelivery],
        judge: Judge,
    ) -> None:
        """At one alert, as `change` has it. `pending`: what this transaction planned for it."""
        stored = self.held.lanes.get(change.alert.id, {})
        for destination_id in {*stored, *(row.destination_id for row in pending if row.is_held)}:
            lane = stored.get(destination_id, ())
            rows = [row for row in pending if row.destination_id == destination_id]
            own = [row for row in rows if row.is_held]
            news = [row for row in rows if row.event_type in _NEWS and not row.is_held]
            loose = [row for row in news if row.event_type is EventType.TRIGGERED]
            answers = self._answers(
                change,
                details,
                destination_id,
                [*(each.delivery for each in lane), *(_held(row, self.now) for row in own)],
                self._trigger(change.alert.id, destination_id, news),
                judge,
                triggered_again=bool(lane) and bool(loose),
                superseded=_superseded(len(lane), rows),
            )
            for each, answer in zip(lane, answers, strict=False):
                if answer.changes(each.delivery):
                    payload = _payload(change, details, each.delivery, answer)
                    self.settlements.append(
                        Settlement(each.id, change.alert.id, destination_id, answer, payload)
                    )
            for row, answer in zip(own, answers[len(lane) :], strict=True):
                row.status, row.reason = answer.status, answer.reason
                row.send_after, row.detail = answer.send_after, answer.detail
                row.remind_after = answer.remind_after
                row.group = answer.group
            self._join(change, [each.delivery for each in lane], answers)

    def _join(
        self, change: AlertChange, lane: Sequence[HeldDelivery], answers: Sequence[Looked]
    ) -> None:
        for delivery, answer in zip(lane, answers, strict=False):
            is_trigger = delivery.event_type is EventType.TRIGGERED
            # What goes on waiting has joined; a trigger may have become more severe.
            if answer.group is not None and (is_trigger or answer.changes(delivery)):
                alert_id, workspace_id = change.alert.id, change.entry.workspace_id
                self.joined.append(GroupJoined(answer.group, workspace_id, alert_id, is_trigger))

    def _answers(
        self,
        change: AlertChange,
        details: AlertDetails,
        destination_id: UUID,
        lane: Sequence[HeldDelivery],
        notified: NotifiedTrigger | None,
        judge: Judge,
        *,
        triggered_again: bool,
        superseded: int,
    ) -> list[Looked]:
        alert_key = alert_key_id(change.entry.id, details.external_id)
        last_notified = self.last_notified.get(alert_key, {}) if alert_key else {}
        answers = look(
            change.entry.routing,
            destination_id,
            lane,
            self.inhibited.subject(change, details),
            change.alert.status,
            History(last_notified, {} if notified is None else {destination_id: notified}),
            self.now,
            judge,
            triggered_again=triggered_again,
            superseded=superseded,
        )
        if alert_key is not None:
            self.started += [(alert_key, each.cooldowns) for each in answers if each.cooldowns]
        return answers

    def _trigger(
        self, alert_id: bytes, destination_id: UUID, loose: Sequence[PendingDelivery]
    ) -> NotifiedTrigger | None:
        """The newest trigger that is not held, or what stands in for one."""
        if not loose:
            return self.held.triggers.get(alert_id, {}).get(destination_id)
        row = loose[-1]
        return NotifiedTrigger(
            row.status, row.reason, row.send_after, named_rules(row.rule_id, row.detail)
        )


def _superseded(earlier: int, rows: Sequence[PendingDelivery]) -> int:
    """How many held messages are before the last that says by itself how the alert stands. `earlier`:
    of earlier transactions."""
    count, held = 0, earlier
    for row in rows:
        if row.is_held:
            held += 1
        elif row.event_type in NOTES and row.status is AlertDeliveryStatus.QUEUED:
            count = held
    return count


def _held(row: PendingDelivery, now: datetime) -> HeldDelivery:
    return HeldDelivery(
        event_type=row.event_type,
        reason=row.reason,
        send_after=row.send_after,
        since=now,
        rule_ids=named_rules(row.rule_id, row.detail),
        detail=dict(row.detail),
        group_id=None if row.group is None else row.group.id,
    )


def _payload(
    change: AlertChange, details: AlertDetails, delivery: HeldDelivery, answer: Looked
) -> Mapping[str, Any]:
    """What of the message is new when it goes out: what held it, and the alert as it is now, where it
    says that it is still firing."""
    sent = answer.status is AlertDeliveryStatus.QUEUED or answer.group is not None
    if not sent or answer.ended is None:
        return {}
    said: dict[str, Any] = {"held": answer.ended.document()}
    if delivery.event_type in _UP_TO_DATE:
        said["alert"] = change.document(details)
    return said
