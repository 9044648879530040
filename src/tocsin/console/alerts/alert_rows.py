"""Alerts as rows of a page: each with what happens to it next, and who was notified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tocsin.console.getting_in.door import Call
from tocsin.explain.row_notes import RowNote, row_note
from tocsin.model.alert_filter import AlertFilter
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_list import (
    ListedAlert,
    ListPlace,
    latest_deliveries,
    list_alerts,
    listed_escalations,
    taken_by,
)

_HOST_LABELS = ("host", "instance", "hostname", "service", "device", "node", "pod")


@dataclass(frozen=True, slots=True)
class Row:
    alert: ListedAlert
    note: RowNote
    where: str
    """Tenant, source and what it is about, in one line."""


async def read_rows(
    session: DatabaseSession,
    call: Call,
    wanted: AlertFilter,
    limit: int,
    after: ListPlace | None = None,
) -> list[Row]:
    """The rows with what each says of itself."""
    if wanted.faults:
        return []
    alerts = await list_alerts(session, call.visitor.workspace_id, wanted, limit, after)
    ids = [alert.id for alert in alerts]
    taken = await taken_by(session, ids)
    escalations = await listed_escalations(session, ids)
    of_alert: dict[UUID, list[Any]] = {}
    for delivery in await latest_deliveries(session, ids):
        of_alert.setdefault(delivery.alert_id, []).append(delivery)
    return [
        Row(
            alert,
            row_note(
                alert,
                of_alert.get(alert.id, ()),
                taken.get(alert.id),
                call.now,
                escalations.get(alert.id),
            ),
            " · ".join(_where(alert)),
        )
        for alert in alerts
    ]


def _where(alert: ListedAlert) -> list[str]:
    host = next((alert.labels[name] for name in _HOST_LABELS if alert.labels.get(name)), None)
    return [each for each in (alert.tenant, alert.source, host) if each]
