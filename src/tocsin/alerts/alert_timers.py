"""What is to be done with alerts when its time has come, as one transaction sets and drops it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from tocsin.model import TimerKind
from tocsin.store.columns import Text, Time, Uuid, columns
from tocsin.store.pipe import Call
from tocsin.store.statements import prepared

NO_DESTINATION = UUID(int=0)


class AlertTimerRow(Struct):
    """One row of `alert_timers`."""

    alert_id: Uuid
    kind: Text
    alert_destination_id: Uuid
    due_at: Time


class AlertTimerName(Struct):
    """Its key."""

    alert_id: Uuid
    kind: Text
    alert_destination_id: Uuid


class StoredTimer(Struct, frozen=True):
    """A timer that an earlier transaction set. `is_pending`: something is still on its way to its
    destination."""

    kind: TimerKind
    destination_id: UUID
    due_at: datetime
    is_pending: bool


@dataclass(slots=True)
class AlertTimers:
    """Of each timer the last word counts."""

    _due: dict[tuple[bytes, TimerKind, UUID], datetime | None] = field(default_factory=dict)

    def set(
        self, alert_id: bytes, kind: TimerKind, due: datetime, destination: UUID = NO_DESTINATION
    ) -> None:
        self._due[alert_id, kind, destination] = due

    def drop(self, alert_id: bytes, kind: TimerKind, destination: UUID = NO_DESTINATION) -> None:
        self._due[alert_id, kind, destination] = None

    def calls(self) -> list[Call]:
        """The statements that write all of it."""
        if not self._due:
            return []
        rows = [
            AlertTimerRow(alert_id, kind.value, destination.bytes, due)
            for (alert_id, kind, destination), due in sorted(self._due.items(), key=_by_name)
            if due is not None
        ]
        dropped = [
            AlertTimerName(alert_id, kind.value, destination.bytes)
            for (alert_id, kind, destination), due in self._due.items()
            if due is None
        ]
        calls: list[Call] = []
        if dropped:
            calls.append((prepared("drop_alert_timers"), columns(AlertTimerName, dropped)))
        if rows:
            calls.append((prepared("set_alert_timers"), columns(AlertTimerRow, rows)))
        return calls


def _by_name(
    item: tuple[tuple[bytes, TimerKind, UUID], datetime | None],
) -> tuple[bytes, TimerKind, UUID]:
    return item[0]
