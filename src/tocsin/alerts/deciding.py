"""What one transaction decides about alerts: what signals, people and time do to them.

Pure: it works on what is known under the locks and gathers what is to be written and planned. The
transaction (`transaction.py`) reads before and writes after.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.alerts.alert_case import EndOfAlert, ForcedStep
from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.alert_timers import AlertTimers
from tocsin.alerts.changes import (
    ENDINGS,
    AlertChange,
    AlertDetails,
    Cause,
    Reminding,
    concerns_anyone,
    event_type_of,
)
from tocsin.alerts.correlate import AlertState, KeyState, Step, correlate
from tocsin.alerts.directory import IntegrationEntry
from tocsin.alerts.escalating import Escalating
from tocsin.alerts.flap_counting import count
from tocsin.alerts.remembering import Remembering
from tocsin.alerts.rows import AlertRows, NewAlert
from tocsin.alerts.stored import StoredAlert
from tocsin.model import SYSTEM, AlertEventKind, EventType, Signal, TimerKind, uuid7_bytes
from tocsin.routing.flapping import Flaps, due_at


class Deciding:
    """The decisions of one transaction at `now`. `timers` and `escalating` are its, too."""

    def __init__(self, now: datetime, timers: AlertTimers, escalating: Escalating) -> None:
        self.now = now
        self.timers = timers
        self.escalating = escalating
        self._rows = AlertRows()
        self._remembering = Remembering(self._rows)
        self._changes: list[AlertChange] = []
        self._looks: dict[bytes, AlertChange] = {}
        self._standing: dict[bytes, AlertChange] = {}

    @property
    def knows_nothing(self) -> bool:
        """Whether nothing is known of any of its alert keys."""
        return not self._remembering.keys

    def known(self, key: AlertKey) -> KeyState | None:
        """What is known of a key, as it is at this moment of the transaction."""
        return self._remembering.keys.get(key)

    def live_alert(self, key: AlertKey) -> bytes | None:
        """The id of the live alert of a key."""
        state = self._remembering.keys.get(key)
        return None if state is None or state.alert is None else state.alert.id

    def apply(
        self,
        entry: IntegrationEntry,
        signal: Signal,
        cause: Cause,
        detail: dict[str, Any] | None = None,
    ) -> Step:
        """Apply one signal to what is known of its alert, and say what it did. `detail` is put on
        the timeline with it."""
        key, state = None, KeyState()
        if signal.external_id is not None:
            key = AlertKey(entry.id_bytes, signal.external_id)
            keys = self._remembering.keys
            state = keys.get(key) or keys.setdefault(key, state)
        step = correlate(
            state,
            signal,
            new_id=uuid7_bytes(),
            default_severity=entry.default_severity,
            received_at=cause.received_at,
            in_order=cause.in_order,
        )
        if detail and step.happenings:
            step.annotate(detail)
        begins = entry.flapping is not None and count(state, step, entry.flapping, cause.at)
        if step.created and step.alert is not None:
            self._open(entry, signal, step, step.alert, cause)
        elif step.alert is not None:
            self._rows.changed[step.alert.id] = step.alert
            if step.is_newest and self._renew_words(signal, step, step.alert):
                step.may_free = True
        if step.late_occurrence and step.alert_id is not None:
            self._rows.late[step.alert_id] += 1
            self._rows.late_received[step.alert_id] = cause.received_at
        if key is not None and step.marked:
            self._remembering.end(key, state, cause.at, entry)
        for happening in step.happenings:
            assert step.alert_id is not None
            self._rows.happened(
                step.alert_id,
                happening.kind,
                happening.detail,
                at=cause.at,
                actor_json=entry.actor_json,
                webhook_delivery_id=cause.webhook_delivery_id,
            )
        event_type = event_type_of(step)
        if event_type is not None and step.alert is not None:
            self._changed(entry, step, step.alert, event_type)
        if step.alert is not None and step.alert.flaps is not None:
            self._flap(entry, step, step.alert, cause, begins=begins)
        if step.alert is not None and (step.may_free or (event_type and not step.created)):
            created = self._rows.new.get(step.alert.id)
            self._look(entry, step.alert, None if created is None else created.details, step)
        if step.alert is not None and (step.created or step.may_free or event_type is not None):
            self._stand(entry, step.alert)
        return step

    def _open(
        self,
        entry: IntegrationEntry,
        signal: Signal,
        step: Step,
        alert: AlertState,
        cause: Cause,
    ) -> None:
        tenant_id = entry.tenant_id
        if signal.tenant is not None:
            tenant_id = entry.tenants.get(signal.tenant, tenant_id)
            if signal.tenant not in entry.tenants:
                step.flags = (*step.flags, "unknown_tenant")
        details = AlertDetails.of_signal(signal, tenant_id, cause.received_at)
        words = signal.alert_words()
        alert.title, alert.words_digest = words.title, words.digest
        if entry.silent_after is not None and alert.status.is_live:
            due = alert.last_received_at + entry.silent_after
            self.timers.set(alert.id, TimerKind.NO_NEWS, due)
        self._rows.new[alert.id] = NewAlert(alert, details, words, entry)

    def _renew_words(self, signal: Signal, step: Step, alert: AlertState) -> bool:
        """Whether anything changed that matchers look at."""
        words = signal.alert_words()
        changed = words.changed(alert.words_digest)
        if not changed:
            return False
        detail: dict[str, Any] = {"changed": list(changed)}
        if words.title != alert.title:
            detail["title"] = {"from": alert.title, "to": words.title}
        # Of an alert of an earlier version nobody knows what is new but the title.
        if alert.words_digest is not None or "title" in detail:
            step.annotate(detail)
        alert.words_digest = words.over(alert.words_digest)
        alert.title = words.title
        self._rows.words[alert.id] = words.laid_over(self._rows.words.get(alert.id))
        return "title" in changed or "labels" in changed

    def _flap(
        self, entry: IntegrationEntry, step: Step, alert: AlertState, cause: Cause, *, begins: bool
    ) -> None:
        """Of an alert that has come and gone before."""
        if step.reopened and entry.silent_after is not None:
            self.timers.set(alert.id, TimerKind.NO_NEWS, cause.at + entry.silent_after)
        flaps, numbers = alert.flaps, entry.flapping
        if flaps is None or not flaps.is_flapping or numbers is None:
            return
        if begins or step.created:
            self.timers.set(alert.id, TimerKind.FLAPPING, due_at(flaps, numbers))
        if begins:
            self._rows.flapped(alert.id, AlertEventKind.FLAPPING, flaps, cause.at)
            self._changed(entry, step, alert, EventType.FLAPPING)

    def _changed(
        self, entry: IntegrationEntry, step: Step, alert: AlertState, event_type: EventType
    ) -> None:
        created = self._rows.new.get(alert.id)
        is_worse = step.worsened and event_type is EventType.TRIGGERED
        details = None if created is None else created.details
        self.escalating.changed(alert, entry, details, event_type, is_worse=is_worse)
        if not concerns_anyone(entry, event_type):
            return
        self._changes.append(
            AlertChange(
                event_type=event_type,
                alert=copy(alert),
                entry=entry,
                actor=entry.name,
                details=details,
                is_worse=is_worse,
                flaps=alert.flaps,
            )
        )

    def _stand(self, entry: IntegrationEntry, alert: AlertState) -> None:
        """Whether the alert holds others, or is held by them, may have changed."""
        if entry.routing.inhibition_rules:
            created = self._rows.new.get(alert.id)
            self._standing[alert.id] = AlertChange(
                event_type=EventType.TRIGGERED,
                alert=alert,
                entry=entry,
                actor=entry.name,
                details=None if created is None else created.details,
            )

    def _look(
        self, entry: IntegrationEntry, alert: AlertState, details: AlertDetails | None, step: Step
    ) -> None:
        """The same for one that a signal changed, where anything can be held at all."""
        flaps = alert.flaps is not None and alert.flaps.is_flapping
        if entry.routing.can_hold or flaps or alert.snooze is not None or step.worsened:
            self._looks[alert.id] = AlertChange(
                event_type=EventType.TRIGGERED,
                alert=alert,
                entry=entry,
                actor=entry.name,
                details=details,
            )

    def look(self, stored: StoredAlert) -> None:
        """Look again at what is held of an alert."""
        self._looks[stored.state.id] = AlertChange(
            event_type=EventType.TRIGGERED,
            alert=stored.state,
            entry=stored.entry,
            actor=stored.entry.name,
            details=stored.details,
            is_old=True,
        )
        if stored.entry.routing.inhibition_rules:
            self._standing[stored.state.id] = self._looks[stored.state.id]

    def look_at_escalations(self, stored: StoredAlert, forced: ForcedStep | None = None) -> None:
        """Take what is due of its escalations; `forced`: their next step at once."""
        self.escalating.look(stored, forced)
        self._stand(stored.entry, stored.state)

    def note_flapping(self, stored: StoredAlert, flaps: Flaps, event_type: EventType) -> None:
        """Say how an alert that flaps goes on, or how it has settled. `flaps`: as it was."""
        alert = stored.state
        self._rows.changed[alert.id] = alert
        settles = event_type is EventType.SETTLED
        kind = AlertEventKind.SETTLED if settles else AlertEventKind.FLAPPING
        self._rows.flapped(alert.id, kind, flaps, self.now)
        if settles:
            self._remembering.settle(stored, self.now)
        self.look(stored)
        if settles and not alert.status.is_live:
            over = EventType.RESOLVED
            self.escalating.changed(alert, stored.entry, stored.details, over, is_old=True)
        if concerns_anyone(stored.entry, event_type):
            self._changes.append(
                AlertChange(
                    event_type=event_type,
                    alert=copy(alert),
                    entry=stored.entry,
                    actor=SYSTEM.name,
                    details=stored.details,
                    is_old=True,
                    flaps=flaps,
                )
            )

    def move(
        self,
        stored: StoredAlert,
        kind: AlertEventKind,
        event_type: EventType | None,
        *,
        was_live: bool,
        actor_name: str,
        actor_json: bytes,
        detail: dict[str, Any],
        no_news_since: datetime | None = None,
        by: UUID | None = None,
    ) -> None:
        """Write down what a person did, or time: `stored.state` as it is now. `event_type` None:
        nothing that destinations are notified of. `by`: who did it, or what stands for them."""
        alert = stored.state
        if kind is AlertEventKind.REOPENED and stored.entry.silent_after is not None:
            self.timers.set(alert.id, TimerKind.NO_NEWS, self.now + stored.entry.silent_after)
        if kind is not AlertEventKind.NOTED:
            self._rows.changed[alert.id] = alert
        if was_live and event_type in ENDINGS:
            self._remembering.end_by_person(stored, self.now)
        self._rows.happened(alert.id, kind, detail, at=self.now, actor_json=actor_json)
        if event_type is not None:
            changed = EndOfAlert(event_type, actor_name, by, no_news_since, detail.get("note"))
            self.escalating.changed(
                alert, stored.entry, stored.details, event_type, is_old=True, ended=changed
            )
        if kind is not AlertEventKind.NOTED:
            self.look(stored)
            self.escalating.look(stored)
        if event_type is not None and concerns_anyone(stored.entry, event_type):
            self._changes.append(
                AlertChange(
                    event_type=event_type,
                    alert=copy(alert),
                    entry=stored.entry,
                    actor=actor_name,
                    details=stored.details,
                    is_old=True,
                    no_news_since=no_news_since,
                    said=detail.get("note"),
                )
            )

    def remind(
        self, stored: StoredAlert, since: Mapping[UUID, datetime], *, only_set: bool = False
    ) -> None:
        """Remind destinations, named with when each was last notified, of an alert that is open;
        `only_set`: only set when they are to be reminded."""
        if stored.entry.routing.listens(EventType.REMINDER):
            self._changes.append(
                AlertChange(
                    event_type=EventType.REMINDER,
                    alert=copy(stored.state),
                    entry=stored.entry,
                    actor=SYSTEM.name,
                    details=stored.details,
                    is_old=True,
                    reminding=Reminding(since, only_set),
                )
            )
