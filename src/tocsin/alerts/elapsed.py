"""What is done with an alert when a time has come that was set for it, inside the transaction that has
locked it: `timers/` starts it, whoever keeps the clock.

A timer that is due too early (the source has spoken since, a rule asks for longer) is set again, and one
that nothing asks for any more is dropped, so that what is set need not be moved with every repeat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.alerts.acknowledgements import OF_ACKNOWLEDGEMENTS, acknowledgements_elapse
from tocsin.alerts.alert_timers import StoredTimer
from tocsin.alerts.rows import SYSTEM_JSON
from tocsin.alerts.stored import StoredAlert
from tocsin.alerts.transaction import AlertTransaction
from tocsin.model import SYSTEM, AlertEventKind, AlertStatus, EventType, TimerKind, iso
from tocsin.routing.flapping import digested, due_at, settled, settles_at
from tocsin.store import arrays
from tocsin.store.statements import prepared

STILL_PENDING = timedelta(minutes=5)
"""Nobody is reminded of what is still on its way to them; after this it is looked at again."""


async def elapse(transaction: AlertTransaction, alerts: Sequence[StoredAlert]) -> None:
    """Do what is due with these."""
    timers = await _read_timers(transaction, [alert.state.id for alert in alerts])
    for alert in alerts:
        due = [each for each in timers.get(alert.state.id, ()) if each.due_at <= transaction.now]
        if any(each.kind is TimerKind.NO_NEWS for each in due):
            _no_news(transaction, alert)
        if any(each.kind is TimerKind.FLAPPING for each in due):
            _flapping(transaction, alert)
        reminders = [each for each in due if each.kind is TimerKind.REMINDER]
        if reminders:
            _remind(transaction, alert, reminders)
    acknowledged = [
        alert
        for alert in alerts
        if any(each.kind in OF_ACKNOWLEDGEMENTS for each in timers.get(alert.state.id, ()))
    ]
    await acknowledgements_elapse(transaction, acknowledged, timers)


async def set_timers(transaction: AlertTransaction, alerts: Sequence[StoredAlert]) -> None:
    """Set the timers of these as the configuration asks for now."""
    ids = [alert.state.id for alert in alerts]
    timers, messages = (
        await _read_timers(transaction, ids),
        await _read_last_messages(transaction, ids),
    )
    for alert in alerts:
        alert_id = alert.state.id
        for each in timers.get(alert_id, ()):
            if each.kind is TimerKind.REMINDER:
                transaction.timers.drop(alert_id, each.kind, each.destination_id)
        silent_after = alert.entry.silent_after
        if silent_after is None or not alert.state.status.is_live:
            transaction.timers.drop(alert_id, TimerKind.NO_NEWS)
        else:
            due = alert.state.last_received_at + silent_after
            transaction.timers.set(alert_id, TimerKind.NO_NEWS, due)
        if alert.state.status is AlertStatus.OPEN:
            transaction.remind(alert, messages.get(alert_id, {}), only_set=True)


async def _read_timers(
    transaction: AlertTransaction, alert_ids: Sequence[bytes]
) -> dict[bytes, list[StoredTimer]]:
    """All that is set for these alerts."""
    asked = {"ids": arrays.uuids(alert_ids)}
    timers: dict[bytes, list[StoredTimer]] = {}
    for row in await transaction.run((prepared("read_alert_timers"), asked)):
        timer = StoredTimer(
            TimerKind(row.kind), row.alert_destination_id, row.due_at, row.is_pending
        )
        timers.setdefault(row.alert_id.bytes, []).append(timer)
    return timers


async def _read_last_messages(
    transaction: AlertTransaction, alert_ids: Sequence[bytes]
) -> dict[bytes, dict[UUID, datetime]]:
    """When each destination was last notified that each alert is open."""
    asked = {"ids": arrays.uuids(alert_ids)}
    messages: dict[bytes, dict[UUID, datetime]] = {}
    for row in await transaction.run((prepared("read_last_messages"), asked)):
        messages.setdefault(row.alert_id.bytes, {})[row.alert_destination_id] = row.at
    return messages


def _flapping(transaction: AlertTransaction, alert: StoredAlert) -> None:
    state, numbers, now = alert.state, alert.entry.flapping, transaction.now
    flaps = state.flaps
    transaction.timers.drop(state.id, TimerKind.FLAPPING)
    if flaps is None or not flaps.is_flapping or state.status is AlertStatus.CLOSED:
        return
    if numbers is None or settles_at(flaps, numbers) <= now:
        state.flaps = settled(flaps)
        transaction.note_flapping(alert, flaps, EventType.SETTLED)
        return
    if flaps.digest_at is not None and flaps.digest_at <= now:
        state.flaps = digested(flaps, numbers, now)
        transaction.note_flapping(alert, flaps, EventType.FLAPPING)
    transaction.timers.set(state.id, TimerKind.FLAPPING, due_at(state.flaps or flaps, numbers))


def _no_news(transaction: AlertTransaction, alert: StoredAlert) -> None:
    state, silent_after = alert.state, alert.entry.silent_after
    if silent_after is None or not state.status.is_live:
        transaction.timers.drop(state.id, TimerKind.NO_NEWS)
        return
    due = state.last_received_at + silent_after
    if due > transaction.now:
        transaction.timers.set(state.id, TimerKind.NO_NEWS, due)
        return
    transaction.timers.drop(state.id, TimerKind.NO_NEWS)
    state.status, state.resolved_at = AlertStatus.RESOLVED, transaction.now
    transaction.move(
        alert,
        AlertEventKind.RESOLVED,
        EventType.RESOLVED,
        was_live=True,
        actor_name=SYSTEM.name,
        actor_json=SYSTEM_JSON,
        detail={"reason": "no_news", "no_news_since": iso(state.last_received_at)},
        no_news_since=state.last_received_at,
    )


def _remind(transaction: AlertTransaction, alert: StoredAlert, due: Sequence[StoredTimer]) -> None:
    since: Mapping[UUID, datetime] = {}
    for each in due:
        if alert.state.status is AlertStatus.OPEN and each.is_pending:
            transaction.timers.set(
                alert.state.id, each.kind, transaction.now + STILL_PENDING, each.destination_id
            )
            continue
        # Whoever is reminded gets a new one when the reminder is sent.
        transaction.timers.drop(alert.state.id, each.kind, each.destination_id)
        since = {**since, each.destination_id: each.due_at}
    if since and alert.state.status is AlertStatus.OPEN:
        transaction.remind(alert, since)
