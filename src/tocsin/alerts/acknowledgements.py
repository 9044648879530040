"""What becomes of an acknowledgement with time: a reminder to whoever gave it, then it expires, and the
alert is open again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from tocsin.alerts.alert_case import AskedPerson
from tocsin.alerts.alert_timers import StoredTimer
from tocsin.alerts.rows import SYSTEM_JSON
from tocsin.alerts.stored import StoredAlert
from tocsin.alerts.transaction import AlertTransaction
from tocsin.model import SYSTEM, AlertEventKind, AlertStatus, EventType, TimerKind, iso
from tocsin.store import arrays
from tocsin.store.statements import prepared

OF_ACKNOWLEDGEMENTS = (TimerKind.ACKNOWLEDGEMENT_EXPIRES, TimerKind.ACKNOWLEDGEMENT_REMINDER)


async def acknowledgements_elapse(
    transaction: AlertTransaction,
    alerts: Sequence[StoredAlert],
    timers: Mapping[bytes, Sequence[StoredTimer]],
) -> None:
    """Do what is due with the acknowledgements of these."""
    if not alerts:
        return
    asked = {"ids": arrays.uuids([alert.state.id for alert in alerts])}
    rows = await transaction.run((prepared("read_acknowledgements"), asked))
    given = {row.id.bytes: (row.acknowledged_by, row.acknowledged_until) for row in rows}
    for alert in alerts:
        by, until = given[alert.state.id]
        for each in timers[alert.state.id]:
            if each.kind in OF_ACKNOWLEDGEMENTS and each.due_at <= transaction.now:
                transaction.timers.drop(alert.state.id, each.kind)
                if alert.state.status is AlertStatus.ACKNOWLEDGED and until is not None:
                    _elapse(transaction, alert, each.kind, by, until)


def _elapse(
    transaction: AlertTransaction,
    alert: StoredAlert,
    kind: TimerKind,
    by: UUID | None,
    until: datetime,
) -> None:
    """One that was given again meanwhile has a later end, and a timer of its own."""
    if kind is TimerKind.ACKNOWLEDGEMENT_EXPIRES and until <= transaction.now:
        _expire(transaction, alert, by, until)
    elif kind is TimerKind.ACKNOWLEDGEMENT_REMINDER and by is not None:
        note = f"Your acknowledgement expires at {until:%H:%M} UTC. Acknowledge it again, or it is open."
        detail = {"acknowledged_until": iso(until)}
        transaction.escalating.ask(alert, AskedPerson(by, note, detail))


def _expire(
    transaction: AlertTransaction, alert: StoredAlert, by: UUID | None, until: datetime
) -> None:
    alert.state.status, alert.state.acknowledged_at = AlertStatus.OPEN, None
    detail = {"until": iso(until)} | ({} if by is None else {"acknowledged_by": str(by)})
    transaction.move(
        alert,
        AlertEventKind.ACKNOWLEDGEMENT_EXPIRED,
        EventType.TRIGGERED,
        was_live=True,
        actor_name=SYSTEM.name,
        actor_json=SYSTEM_JSON,
        detail=detail,
    )
