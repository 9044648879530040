"""What the database knows of alerts and alert keys, as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct, convert

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.changes import AlertDetails
from tocsin.alerts.correlate import AlertState, KeyState, ResolutionMark
from tocsin.alerts.directory import Directory, IntegrationEntry
from tocsin.model import AlertStatus, Severity
from tocsin.routing.flapping import Flaps
from tocsin.routing.subject import ActiveSnooze
from tocsin.store.pipe import Row


class StoredAlert(Struct):
    """An alert read by its id, with the integration it came by."""

    workspace_id: UUID
    entry: IntegrationEntry
    state: AlertState
    details: AlertDetails


def key_states(keys: Sequence[AlertKey], rows: Iterable[Row]) -> dict[AlertKey, KeyState]:
    states: dict[AlertKey, KeyState] = {}
    for row in rows if keys else ():
        if row.place is None:
            continue
        state = states[keys[row.place]] = KeyState()
        if row.ended_flaps is not None:
            state.flaps = convert(row.ended_flaps, Flaps)
        if row.id is not None:
            found = _alert_state(row)
            if found.status.is_live:
                state.alert = found
            else:
                state.ended = found
        if row.mark_occurred_at is not None:
            state.mark = ResolutionMark(
                row.mark_occurred_at,
                None if row.mark_alert_id is None else row.mark_alert_id.bytes,
                row.mark_alert_resolved_at,
                row.mark_arrived_at,
            )
    return states


def _alert_state(row: Row) -> AlertState:
    return AlertState(
        id=row.id.bytes,
        severity=Severity(row.severity),
        status=AlertStatus(row.status),
        triggered_at=row.triggered_at,
        last_signal_at=row.last_signal_at,
        last_received_at=row.last_received_at,
        occurrence_count=row.occurrence_count,
        acknowledged_at=row.acknowledged_at,
        resolved_at=row.resolved_at,
        closed_at=row.closed_at,
        title=row.title,
        words_digest=None if row.words_digest is None else row.words_digest.bytes,
        created_at=row.created_at,
        flaps=None if row.flaps is None else convert(row.flaps, Flaps),
        snooze=None
        if row.snoozed_until is None
        else ActiveSnooze(row.snoozed_until, row.snoozed_by),
    )


def stored_alerts(rows: Iterable[Row], directory: Directory) -> dict[bytes, StoredAlert]:
    return {
        row.id.bytes: StoredAlert(
            row.workspace_id,
            directory.integrations[row.integration_id],
            _alert_state(row),
            AlertDetails.of_row(row),
        )
        for row in rows
    }
