"""Alerts and their timelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, any_, func, select

from tocsin.model import AlertEventKind, AlertStatus, Severity, TimerKind
from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import (
    PageRequest,
    RowPage,
    any_of,
    contains_text,
    equal,
    fetch_page,
    within,
)
from tocsin.store.queries.alert_conditions import array_of_ids
from tocsin.store.queries.alert_search import narrowed
from tocsin.store.tables import (
    Alert,
    AlertDeliveryAlert,
    AlertDestination,
    AlertEvent,
    AlertTimer,
    Integration,
    Tenant,
)


async def page_of_alerts(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    status: Sequence[AlertStatus],
    severity: Sequence[Severity],
    integration_id: UUID | None,
    tenant_id: UUID | None,
    text: str | None,
    external_id: str | None,
    source: str | None,
    labels: Mapping[str, str],
    since: datetime | None,
    until: datetime | None,
    flapping: bool | None = None,
) -> RowPage[Alert]:
    """`text` is looked for in title, description, source and external id; the times are those of
    the trigger."""
    among = await narrowed(session, workspace_id, _by_words(text, labels))
    statement = select(Alert).where(
        Alert.workspace_id == workspace_id,
        *any_of(Alert.status, status),
        *any_of(Alert.severity, severity),
        *equal(
            (Alert.integration_id, integration_id),
            (Alert.tenant_id, tenant_id),
            (Alert.external_id, external_id),
            (Alert.source, source),
        ),
        *([Alert.labels.contains(dict(labels))] if labels else []),
        *contains_text(text, Alert.title, Alert.description, Alert.source, Alert.external_id),
        *within(Alert.triggered_at, since, until),
        *_flapping(flapping),
        *([] if among.ids is None else [Alert.id == any_(array_of_ids(among.ids))]),
    )
    return await fetch_page(session, statement, request, key=Alert.id, list_name="alerts")


def _by_words(text: str | None, labels: Mapping[str, str]) -> AlertFilter:
    """The part of it that the index of words knows."""
    return AlertFilter(
        words=() if text is None else (text,),
        conditions=tuple(
            TextCondition(name, Comparison.IS, (value,), is_label=True)
            for name, value in labels.items()
            if "*" not in value
        ),
    )


def _flapping(wanted: bool | None) -> Sequence[ColumnElement[bool]]:
    """Whether it flaps (`Alert.flapping_since`), if that is asked. Each that does has a timer, by which
    it is found without reading the others."""
    if wanted is None:
        return []
    flaps = func.coalesce(Alert.flaps.has_key("since"), False) & (
        Alert.status != AlertStatus.CLOSED
    )
    if not wanted:
        return [~flaps]
    timed = select(AlertTimer.alert_id).where(AlertTimer.kind == TimerKind.FLAPPING.value)
    return [flaps, Alert.id.in_(timed)]


async def page_of_timeline(
    session: DatabaseSession, alert_id: UUID, request: PageRequest
) -> RowPage[AlertEvent]:
    """Oldest first."""
    return await fetch_page(
        session,
        select(AlertEvent).where(AlertEvent.alert_id == alert_id),
        request,
        key=AlertEvent.id,
        list_name="timeline",
        oldest_first=True,
    )


@dataclass(frozen=True, slots=True)
class Timeline:
    """The first of what happened once, the newest of what repeated; how many repetitions more
    there are."""

    events: Sequence[AlertEvent]
    repeats_left_out: int


async def read_timeline(
    session: DatabaseSession, alert_id: UUID, *, most_events: int, most_repeats: int
) -> Timeline:
    of_alert = select(AlertEvent).where(AlertEvent.alert_id == alert_id)
    is_repeat = AlertEvent.kind == AlertEventKind.REPEATED.value
    others = (
        await session.scalars(of_alert.where(~is_repeat).order_by(AlertEvent.id).limit(most_events))
    ).all()
    repeats = (
        await session.scalars(
            of_alert.where(is_repeat).order_by(AlertEvent.id.desc()).limit(most_repeats)
        )
    ).all()
    count = await session.scalar(
        select(func.count()).where(AlertEvent.alert_id == alert_id, is_repeat)
    )
    return Timeline((*others, *repeats), (count or 0) - len(repeats))


_PAGE = 100


@dataclass(frozen=True, slots=True)
class PastAlert:
    """What rules see of an alert, and what a list shows. `source_type` is its integration's type."""

    id: UUID
    tenant_id: UUID
    integration_id: UUID
    external_id: str | None
    title: str
    severity: Severity
    status: AlertStatus
    source: str
    triggered_at: datetime
    labels: dict[str, str]
    resolved_at: datetime | None
    closed_at: datetime | None
    source_type: str


async def alerts_since(
    session: DatabaseSession, workspace_id: UUID, since: datetime, most: int
) -> list[PastAlert]:
    """The newest that were triggered since, at most so many."""
    return await _newest(session, workspace_id, Alert.triggered_at >= since, most)


async def live_alerts(session: DatabaseSession, workspace_id: UUID, most: int) -> list[PastAlert]:
    """The newest that are open or acknowledged, at most so many."""
    return await _newest(session, workspace_id, Alert.status.in_(_LIVE), most)


_LIVE = [status for status in AlertStatus if status.is_live]


async def _newest(
    session: DatabaseSession, workspace_id: UUID, condition: ColumnElement[bool], most: int
) -> list[PastAlert]:
    columns = [getattr(Alert, each.name) for each in fields(PastAlert)[:-1]]
    wanted = (
        select(*columns, Integration.type)
        .join(Integration, Integration.id == Alert.integration_id)
        .where(Alert.workspace_id == workspace_id, condition)
        .order_by(Alert.id.desc())
    )
    found: list[PastAlert] = []
    while len(found) < most:
        older = wanted.where(Alert.id < found[-1].id) if found else wanted
        # Page by page: reading thousands of rows at once would hold up the event loop.
        count = min(_PAGE, most - len(found))
        page = [PastAlert(*tuple(row)) for row in await session.execute(older.limit(count))]
        found += page
        if len(page) < count:
            break
    return found


@dataclass(frozen=True, slots=True)
class LinkedAlert:
    """An alert as the pages behind the links of a message show it."""

    id: UUID
    workspace_id: UUID
    title: str
    description: str | None
    severity: Severity
    status: AlertStatus
    source: str
    external_id: str | None
    triggered_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    last_received_at: datetime
    occurrence_count: int
    labels: dict[str, str]
    metadata_: dict[str, Any]
    tenant: str | None
    tenant_slug: str | None
    timezone: str | None
    """Of the destination that the link was sent to."""


async def find_linked_alert(
    session: DatabaseSession, alert_id: UUID, destination_id: UUID
) -> LinkedAlert | None:
    """The alert, if it and the destination that the link was sent to are still there."""
    row = (await session.execute(_linked(destination_id).where(Alert.id == alert_id))).one_or_none()
    return None if row is None else LinkedAlert(**row._mapping)


async def find_listed_alerts(
    session: DatabaseSession, delivery_id: UUID, destination_id: UUID, most: int
) -> list[LinkedAlert]:
    """The first that a message about several lists, as far as they and the destination that it was sent
    to are still there."""
    query = (
        _linked(destination_id)
        .join(AlertDeliveryAlert, AlertDeliveryAlert.alert_id == Alert.id)
        .where(AlertDeliveryAlert.alert_delivery_id == delivery_id, AlertDeliveryAlert.place < most)
        .order_by(AlertDeliveryAlert.place)
    )
    return [LinkedAlert(**row._mapping) for row in await session.execute(query)]


def _linked(destination_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Alert.id,
            Alert.workspace_id,
            Alert.title,
            Alert.description,
            Alert.severity,
            Alert.status,
            Alert.source,
            Alert.external_id,
            Alert.triggered_at,
            Alert.acknowledged_at,
            Alert.resolved_at,
            Alert.closed_at,
            Alert.last_received_at,
            Alert.occurrence_count,
            Alert.labels,
            Alert.metadata_,
            Tenant.name.label("tenant"),
            Tenant.slug.label("tenant_slug"),
            AlertDestination.config["timezone"].astext.label("timezone"),
        )
        .join(AlertDestination, AlertDestination.workspace_id == Alert.workspace_id)
        .outerjoin(Tenant, Tenant.id == Alert.tenant_id)
        .where(AlertDestination.id == destination_id, AlertDestination.deleted_at.is_(None))
    )
