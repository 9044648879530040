"""Alerts as rows of a page: each with what happens to it next, and who was notified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tocsin.alerts.directory import IntegrationEntry
from tocsin.console.getting_in.door import Call
from tocsin.explain.row_notes import RowNote, row_note
from tocsin.explain.who_is_next import who_is_next
from tocsin.model.alert_filter import AlertFilter
from tocsin.routing.subject import Subject
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_list import (
    ListedAlert,
    ListedEscalation,
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
    whom = await _who_is_next(session, call, alerts, escalations)
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
                whom.get(alert.id),
            ),
            " · ".join(_where(alert)),
        )
        for alert in alerts
    ]


async def _who_is_next(
    session: DatabaseSession,
    call: Call,
    alerts: Sequence[ListedAlert],
    escalations: Mapping[UUID, ListedEscalation],
) -> Mapping[UUID, str]:
    directory, workspace_id = call.context.senders.feed.current, call.visitor.workspace_id
    book = directory.on_call.get(workspace_id)
    table = directory.routing.get(workspace_id)
    if not escalations or book is None or table is None:
        return {}
    subjects = {
        alert.id: _subject(alert, directory.integrations.get(alert.integration_id))
        for alert in alerts
        if alert.id in escalations
    }
    return await who_is_next(session, escalations.values(), subjects, book, table)


def _subject(alert: ListedAlert, integration: IntegrationEntry | None) -> Subject:
    return Subject(
        tenant_id=alert.tenant_id,
        integration_id=alert.integration_id,
        external_id=None,
        title=alert.title,
        severity=alert.severity,
        source=alert.source,
        type="" if integration is None else integration.type,
        labels=alert.labels,
    )


def _where(alert: ListedAlert) -> list[str]:
    host = next((alert.labels[name] for name in _HOST_LABELS if alert.labels.get(name)), None)
    return [each for each in (alert.tenant, alert.source, host) if each]
