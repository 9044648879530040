"""The list of alerts that people look at: filtered, worst first, with what each row says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, or_, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from tocsin.model import (
    AlertDeliveryStatus,
    AlertEventKind,
    AlertStatus,
    EscalationState,
    Severity,
)
from tocsin.model.alert_filter import AlertFilter
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_conditions import conditions
from tocsin.store.tables import (
    Alert,
    AlertDelivery,
    AlertDestination,
    AlertEvent,
    StoredEscalation,
    Tenant,
)


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """An alert as a row of the list shows it."""

    id: UUID
    tenant_id: UUID
    integration_id: UUID
    title: str
    severity: Severity
    status: AlertStatus
    source: str
    labels: dict[str, str]
    occurrence_count: int
    triggered_at: datetime
    updated_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    snoozed_until: datetime | None
    snoozed_by: str | None
    tenant: str | None


@dataclass(frozen=True, slots=True)
class ListPlace:
    """Where a page of the list begins: after this one."""

    severity: Severity
    id: UUID


async def list_alerts(
    session: DatabaseSession,
    workspace_id: UUID,
    wanted: AlertFilter,
    limit: int,
    after: ListPlace | None = None,
) -> list[ListedAlert]:
    """Live ones worst first and then newest; a list with others in it, newest first."""
    return [
        ListedAlert(**row._mapping)
        for row in await session.execute(listing(workspace_id, wanted, limit, after))
    ]


def listing(
    workspace_id: UUID, wanted: AlertFilter, limit: int, after: ListPlace | None = None
) -> Select[*tuple[Any, ...]]:
    """The statement of `list_alerts`."""
    if wanted.ids is not None:
        begin = 0 if after is None else _after(wanted.ids, str(after.id))
        wanted, after = replace(wanted, ids=wanted.ids[begin : begin + limit]), None
    if wanted.is_of_over and wanted.ids is None:
        return _listed_over(workspace_id, wanted, limit, after)
    statement = _listed().where(*conditions(workspace_id, wanted)).limit(limit)
    if not wanted.is_of_live:
        statement = statement.order_by(Alert.id.desc())
        return statement if after is None else statement.where(Alert.id < after.id)
    if after is not None:
        statement = statement.where(
            or_(
                Alert.severity > after.severity,
                and_(Alert.severity == after.severity, Alert.id < after.id),
            )
        )
    return statement.order_by(Alert.severity, Alert.id.desc())


def _after(ids: Sequence[str], last: str) -> int:
    """Where a page goes on; at the beginning if its last alert is not in the list any more."""
    return ids.index(last) + 1 if last in ids else 0


def _listed_over(
    workspace_id: UUID, wanted: AlertFilter, limit: int, after: ListPlace | None
) -> Select[*tuple[Any, ...]]:
    """The newest of each state, and of these the newest: an index has each state in order."""
    newest = []
    for status in sorted(wanted.statuses):
        one = replace(wanted, statuses=frozenset({status}))
        ids = select(Alert.id).where(*conditions(workspace_id, one))
        ids = ids if after is None else ids.where(Alert.id < after.id)
        newest.append(select(ids.order_by(Alert.id.desc()).limit(limit).subquery().c.id))
    return _listed().where(Alert.id.in_(union_all(*newest))).order_by(Alert.id.desc()).limit(limit)


async def find_listed(
    session: DatabaseSession, workspace_id: UUID, alert_id: UUID
) -> ListedAlert | None:
    """One alert, as the list has it."""
    statement = _listed().where(Alert.workspace_id == workspace_id, Alert.id == alert_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else ListedAlert(**row._mapping)


def _listed() -> Select[*tuple[Any, ...]]:
    return select(
        Alert.id,
        Alert.tenant_id,
        Alert.integration_id,
        Alert.title,
        Alert.severity,
        Alert.status,
        Alert.source,
        Alert.labels,
        Alert.occurrence_count,
        Alert.triggered_at,
        Alert.updated_at,
        Alert.acknowledged_at,
        Alert.resolved_at,
        Alert.closed_at,
        Alert.snoozed_until,
        Alert.snoozed_by,
        Tenant.name.label("tenant"),
    ).outerjoin(Tenant, Tenant.id == Alert.tenant_id)


@dataclass(frozen=True, slots=True)
class LatestDelivery:
    """The newest of an alert to one destination: what was said there last, or why not."""

    alert_id: UUID
    destination_name: str
    event_type: str
    status: AlertDeliveryStatus
    reason: str
    send_after: datetime | None
    sent_at: datetime | None
    attempt_count: int
    last_error_message: str | None
    detail: dict[str, Any]


async def latest_deliveries(
    session: DatabaseSession, alert_ids: Sequence[UUID]
) -> list[LatestDelivery]:
    """Of each alert, one per destination."""
    if not alert_ids:
        return []
    rows = await session.execute(
        select(
            AlertDelivery.alert_id,
            AlertDestination.name.label("destination_name"),
            AlertDelivery.event_type,
            AlertDelivery.status,
            AlertDelivery.reason,
            AlertDelivery.send_after,
            AlertDelivery.sent_at,
            AlertDelivery.attempt_count,
            AlertDelivery.last_error_message,
            AlertDelivery.detail,
        )
        .join(AlertDestination, AlertDestination.id == AlertDelivery.alert_destination_id)
        .where(AlertDelivery.alert_id.in_(alert_ids))
        .ext(distinct_on(AlertDelivery.alert_id, AlertDelivery.alert_destination_id))
        .order_by(
            AlertDelivery.alert_id,
            AlertDelivery.alert_destination_id,
            AlertDelivery.sequence.desc(),
        )
    )
    return [LatestDelivery(**row._mapping) for row in rows]


@dataclass(frozen=True, slots=True)
class LastAcknowledgement:
    """Who took an alert on last, and what they noted."""

    alert_id: UUID
    at: datetime
    actor: dict[str, str]
    detail: dict[str, Any]


async def taken_by(
    session: DatabaseSession, alert_ids: Sequence[UUID]
) -> dict[UUID, LastAcknowledgement]:
    """Of those that were acknowledged at least once."""
    if not alert_ids:
        return {}
    rows = await session.execute(
        select(AlertEvent.alert_id, AlertEvent.at, AlertEvent.actor, AlertEvent.detail)
        .where(
            AlertEvent.alert_id.in_(alert_ids),
            AlertEvent.kind == AlertEventKind.ACKNOWLEDGED.value,
        )
        .ext(distinct_on(AlertEvent.alert_id))
        .order_by(AlertEvent.alert_id, AlertEvent.id.desc())
    )
    return {row.alert_id: LastAcknowledgement(**row._mapping) for row in rows}


@dataclass(frozen=True, slots=True)
class ListedEscalation:
    """Who is paged next, as a row of the list says it: the step, and when it begins; or that nobody is
    any more (`exhausted`: why)."""

    alert_id: UUID
    policy_id: UUID
    policy_version: int
    loop: int
    step: int
    """The one that was begun last, from 0."""
    paged: Sequence[str]
    """The users who were reached in this loop."""
    due_at: datetime | None
    exhausted: str | None = None


async def listed_escalations(
    session: DatabaseSession, alert_ids: Sequence[UUID]
) -> dict[UUID, ListedEscalation]:
    """Of those that a policy pages people for, whichever goes on soonest; of those whose newest has
    ended without an answer, that one."""
    if not alert_ids:
        return {}
    rows = await session.execute(
        select(
            StoredEscalation.alert_id,
            StoredEscalation.escalation_policy_id,
            StoredEscalation.policy_version,
            StoredEscalation.state,
            StoredEscalation.reason,
            StoredEscalation.loop,
            StoredEscalation.step,
            StoredEscalation.paged,
            StoredEscalation.step_due_at,
        )
        .where(StoredEscalation.alert_id.in_(alert_ids))
        .order_by(StoredEscalation.started_at)
    )
    found: dict[UUID, ListedEscalation] = {}
    for row in rows:
        known = found.get(row.alert_id)
        if row.state == EscalationState.RUNNING and row.step_due_at is not None:
            if known is None or known.due_at is None or row.step_due_at < known.due_at:
                found[row.alert_id] = _listed_escalation(row, row.step_due_at)
        elif known is None or known.due_at is None:
            found.pop(row.alert_id, None)
            if row.state == EscalationState.EXHAUSTED:
                why = row.reason or "no_acknowledgement"
                found[row.alert_id] = _listed_escalation(row, None, why)
    return found


def _listed_escalation(
    row: Any, due_at: datetime | None, exhausted: str | None = None
) -> ListedEscalation:
    return ListedEscalation(
        row.alert_id,
        row.escalation_policy_id,
        row.policy_version,
        row.loop,
        row.step,
        row.paged,
        due_at,
        exhausted,
    )
