"""The list of alerts that people look at: filtered, worst first, counted up to a bound."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from tocsin.model import (
    AlertDeliveryStatus,
    AlertEventKind,
    AlertStatus,
    EscalationState,
    Severity,
)
from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import (
    Alert,
    AlertDelivery,
    AlertDestination,
    AlertEvent,
    Integration,
    StoredEscalation,
    Tenant,
)

MOST_COUNTED = 10_000
"""Counts stop here: a list of more is not read to its end by anybody."""

_LIVE = tuple(status for status in AlertStatus if status.is_live)


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """An alert as a row of the list shows it."""

    id: UUID
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
    statement = _listed().where(*_conditions(workspace_id, wanted)).limit(limit)
    if wanted.is_of_live:
        statement = statement.order_by(Alert.severity, Alert.id.desc())
        if after is not None:
            statement = statement.where(
                or_(
                    Alert.severity > after.severity,
                    and_(Alert.severity == after.severity, Alert.id < after.id),
                )
            )
    else:
        statement = statement.order_by(Alert.id.desc())
        if after is not None:
            statement = statement.where(Alert.id < after.id)
    return [ListedAlert(**row._mapping) for row in await session.execute(statement)]


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


async def count_alerts(session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter) -> int:
    """How many there are; one more than `MOST_COUNTED` for all above it."""
    rows = select(Alert.id).where(*_conditions(workspace_id, wanted)).limit(MOST_COUNTED + 1)
    return await session.scalar(select(func.count()).select_from(rows.subquery())) or 0


@dataclass(frozen=True, slots=True)
class FacetCount:
    value: str
    count: int


async def count_by(
    session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter, name: str, most: int
) -> list[FacetCount]:
    """How many there are of each value, the most frequent first, `most` values at most. Of a very long
    list, of `MOST_COUNTED` of its alerts. `name` is severity, status, tenant or a label."""
    column = _facet_column(name)
    rows = (
        select(column.label("value"))
        .select_from(Alert)
        .outerjoin(Tenant, Tenant.id == Alert.tenant_id)
        .where(*_conditions(workspace_id, wanted), column.is_not(None))
        .limit(MOST_COUNTED)
        .subquery()
    )
    counted = (
        select(rows.c.value, func.count().label("count"))
        .group_by(rows.c.value)
        .order_by(func.count().desc(), rows.c.value)
        .limit(most)
    )
    return [
        FacetCount(getattr(row.value, "value", row.value), row[1])
        for row in await session.execute(counted)
    ]


def _facet_column(name: str) -> ColumnElement[Any]:
    match name:
        case "severity":
            return Alert.severity.expression
        case "status":
            return Alert.status.expression
        case "tenant":
            return Tenant.slug.expression
        case "source":
            return Alert.source.expression
        case _:
            return _label(name)


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """What the stream of changes looks at: it differs when anything live has changed."""

    live: int
    critical: int
    changed_at: datetime | None


async def count_live(session: DatabaseSession, workspace_id: UUID) -> LiveCounts:
    """Of the live ones, up to `MOST_COUNTED`."""
    rows = (
        select(Alert.severity, Alert.updated_at)
        .where(Alert.workspace_id == workspace_id, Alert.status.in_(_LIVE))
        .order_by(Alert.severity, Alert.id.desc())
        .limit(MOST_COUNTED + 1)
        .subquery()
    )
    row = (
        await session.execute(
            select(
                func.count(),
                func.count().filter(rows.c.severity == Severity.CRITICAL),
                func.max(rows.c.updated_at),
            )
        )
    ).one()
    return LiveCounts(row[0], row[1], row[2])


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
class LiveEscalation:
    """Who is paged next, as a row of the list says it: the step, and when it begins."""

    alert_id: UUID
    next_step: int
    """From 1."""
    due_at: datetime


async def live_escalations(
    session: DatabaseSession, alert_ids: Sequence[UUID]
) -> dict[UUID, LiveEscalation]:
    """Of those that a policy pages people for, whichever goes on soonest."""
    if not alert_ids:
        return {}
    rows = await session.execute(
        select(StoredEscalation.alert_id, StoredEscalation.step, StoredEscalation.step_due_at)
        .where(
            StoredEscalation.alert_id.in_(alert_ids),
            StoredEscalation.state == EscalationState.RUNNING,
            StoredEscalation.step_due_at.is_not(None),
        )
        .order_by(StoredEscalation.step_due_at.desc())
    )
    return {
        row.alert_id: LiveEscalation(row.alert_id, row.step + 2, row.step_due_at)
        for row in rows
        if row.step_due_at is not None
    }


def _conditions(workspace_id: UUID, wanted: AlertFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Alert.workspace_id == workspace_id]
    if wanted.statuses:
        # Written as the partial index of live alerts has it, or the planner does not see it.
        if wanted.is_of_live:
            conditions.append(Alert.status.in_(_LIVE))
        if not wanted.is_of_live or len(wanted.statuses) < len(_LIVE):
            conditions.append(Alert.status.in_(sorted(wanted.statuses)))
    if wanted.severities:
        conditions.append(Alert.severity.in_(sorted(wanted.severities)))
    if wanted.since is not None:
        conditions.append(Alert.triggered_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(Alert.triggered_at < wanted.until)
    if wanted.least_count is not None:
        conditions.append(Alert.occurrence_count >= wanted.least_count)
    if wanted.held is not None:
        held = exists().where(
            AlertDelivery.alert_id == Alert.id,
            AlertDelivery.status == AlertDeliveryStatus.DEFERRED,
        )
        conditions.append(held if wanted.held else not_(held))
    for word in wanted.words:
        columns = (Alert.title, Alert.description, Alert.source, Alert.external_id)
        conditions.append(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    conditions += [_condition(each) for each in wanted.conditions]
    return conditions


def _condition(asked: TextCondition) -> ColumnElement[bool]:
    if not asked.is_label and asked.name == "owner":
        holds: ColumnElement[bool] = _is_owned_by(asked)
    elif not asked.is_label and asked.name == "type":
        holds = exists().where(Integration.id == Alert.integration_id, _is(Integration.type, asked))
    elif not asked.is_label and asked.name == "tenant":
        holds = exists().where(
            Tenant.id == Alert.tenant_id, or_(_is(Tenant.slug, asked), _is(Tenant.name, asked))
        )
    elif asked.is_label:
        # A label that is not there is the empty text, as rules see it.
        holds = _is(func.coalesce(_label(asked.name), ""), asked)
    else:
        holds = _is(Alert.title if asked.name == "title" else Alert.source, asked)
    return not_(holds) if asked.negated else holds


def _is_owned_by(asked: TextCondition) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = []
    named = tuple(value for value in asked.values if value.lower() != "nobody")
    if len(named) < len(asked.values):
        parts.append(Alert.status == AlertStatus.OPEN)
    if named:
        last = (
            select(AlertEvent.actor["name"].astext)
            .where(
                AlertEvent.alert_id == Alert.id,
                AlertEvent.kind == AlertEventKind.ACKNOWLEDGED.value,
            )
            .order_by(AlertEvent.id.desc())
            .limit(1)
            .scalar_subquery()
        )
        one = TextCondition(asked.name, asked.comparison, named)
        parts.append(and_(Alert.status == AlertStatus.ACKNOWLEDGED, _is(last, one)))
    return or_(*parts)


def _label(name: str) -> ColumnElement[Any]:
    label: ColumnElement[Any] = Alert.labels[name].astext
    return label


def _is(column: Any, asked: TextCondition) -> ColumnElement[bool]:
    """In any case; a value with `*` is a pattern."""
    if asked.comparison is Comparison.MATCHES:
        matched: ColumnElement[bool] = column.regexp_match(f"^(?:{asked.values[0]})$")
        return matched
    alternatives = []
    for value in asked.values:
        if "*" in value:
            pattern = "%".join(_escaped(part) for part in value.split("*"))
            alternatives.append(column.ilike(pattern, escape="\\"))
        else:
            alternatives.append(func.lower(column) == value.lower())
    return or_(*alternatives)


def _escaped(part: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", part)
