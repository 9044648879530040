"""How many alerts a list has, and of what: counted up to a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, func, lateral, select, true, tuple_

from tocsin.model import AlertStatus, Severity
from tocsin.model.alert_filter import AlertFilter
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_conditions import LIVE, conditions
from tocsin.store.tables import Alert, Tenant

MOST_COUNTED = 10_000
"""Counts stop here: a list of more is not read to its end by anybody."""
MOST_READ = 1_000
"""Counts of what is only known when alerts are read whole stop here."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, or that there are more than `most`."""

    number: int
    most: int = MOST_COUNTED

    @property
    def words(self) -> str:
        return f"{self.most:,}+" if self.number > self.most else f"{self.number:,}"


async def count_alerts(session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter) -> Count:
    if wanted.ids is not None:
        return Count(len(wanted.ids))
    most = _most_counted(wanted)
    rows = select(Alert.id).where(*conditions(workspace_id, wanted)).limit(most + 1)
    number = await session.scalar(select(func.count()).select_from(rows.subquery()))
    return Count(number or 0, most)


def _most_counted(wanted: AlertFilter) -> int:
    """Of words that very many have each alert is read whole."""
    return MOST_READ if wanted.is_frequent else MOST_COUNTED


@dataclass(frozen=True, slots=True)
class FacetCount:
    value: str
    count: int


OWN_FACETS = ("severity", "status", "tenant", "source")


async def count_own(
    session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter, most: int
) -> Mapping[str, Sequence[FacetCount]]:
    """How many there are of each severity, status, tenant (its slug) and source: the most frequent
    first, `most` values at most of each. Of a very long list, of `MOST_COUNTED` of its alerts."""
    found: dict[str, list[FacetCount]] = {name: [] for name in OWN_FACETS}
    for row in await session.execute(own_counts(workspace_id, wanted)):
        named = zip(OWN_FACETS, (row.severity, row.status, row.slug, row.source), strict=True)
        for name, value in named:
            if value is not None and len(found[name]) < most:
                found[name].append(FacetCount(getattr(value, "value", value), row.number))
    return found


def own_counts(workspace_id: UUID, wanted: AlertFilter) -> Select[Any]:
    """A row for each value: of its four columns the one that it is of is not null."""
    rows = (
        select(Alert.severity, Alert.status, Alert.tenant_id, Alert.source)
        .where(*conditions(workspace_id, wanted))
        .limit(_most_counted(wanted))
        .subquery()
    )
    parts = [rows.c.severity, rows.c.status, rows.c.tenant_id, rows.c.source]
    counted = (
        select(*parts, func.count().label("number"))
        .group_by(func.grouping_sets(*(tuple_(part) for part in parts)))
        .order_by(func.count().desc(), rows.c.source)
        .subquery()
    )
    return (
        select(counted, Tenant.slug)
        .outerjoin(Tenant, Tenant.id == counted.c.tenant_id)
        .order_by(counted.c.number.desc(), counted.c.source, Tenant.slug)
    )


async def count_labels(
    session: DatabaseSession, workspace_id: UUID, wanted: AlertFilter, names: int, most: int
) -> Mapping[str, Sequence[FacetCount]]:
    """The labels that most of them have with more than one value, `names` at most, each with its most
    frequent values. Of a long list, of the first `MOST_READ`."""
    found: dict[str, list[FacetCount]] = {}
    for row in await session.execute(label_counts(workspace_id, wanted, most)):
        if row.key in found or len(found) < names:
            found.setdefault(row.key, []).append(FacetCount(row.value, row.number))
    return found


def label_counts(workspace_id: UUID, wanted: AlertFilter, most: int) -> Select[Any]:
    """A row for each label and value, the labels that most of them have first."""
    rows = select(Alert.labels).where(*conditions(workspace_id, wanted)).limit(MOST_READ).subquery()
    pair = lateral(func.jsonb_each_text(rows.c.labels).table_valued("key", "value"))
    counted = (
        select(pair.c.key, pair.c.value, func.count().label("number"))
        .select_from(rows)
        .join(pair, true())
        .group_by(pair.c.key, pair.c.value)
        .subquery()
    )
    ranked = select(
        counted,
        func.row_number()
        .over(partition_by=counted.c.key, order_by=(counted.c.number.desc(), counted.c.value))
        .label("place"),
        func.count().over(partition_by=counted.c.key).label("values"),
        func.sum(counted.c.number).over(partition_by=counted.c.key).label("having"),
    ).subquery()
    # A label with a value of its own for nearly every alert narrows nothing.
    telling = select(ranked).where(
        ranked.c.place <= most, ranked.c["values"] > 1, ranked.c["values"] * 2 <= ranked.c.having
    )
    return telling.order_by(ranked.c.having.desc(), ranked.c.key, ranked.c.place)


@dataclass(frozen=True, slots=True)
class SeverityCount:
    severity: Severity
    live: Count
    acknowledged: Count


async def count_severities(session: DatabaseSession, workspace_id: UUID) -> list[SeverityCount]:
    """Live ones of each, the worst first, and how many of them somebody has."""

    def number(severity: Severity, *statuses: AlertStatus) -> ScalarSelect[int]:
        ids = (
            select(Alert.id)
            .where(
                Alert.workspace_id == workspace_id,
                Alert.severity == severity,
                Alert.status.in_(statuses) if len(statuses) > 1 else Alert.status == statuses[0],
            )
            .limit(MOST_COUNTED + 1)
        )
        return select(func.count()).select_from(ids.subquery()).scalar_subquery()

    columns: list[Any] = []
    for severity in Severity:
        columns += [number(severity, *LIVE), number(severity, AlertStatus.ACKNOWLEDGED)]
    row = (await session.execute(select(*columns))).one()
    return [
        SeverityCount(severity, Count(row[2 * place]), Count(row[2 * place + 1]))
        for place, severity in enumerate(Severity)
    ]


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
        .where(Alert.workspace_id == workspace_id, Alert.status.in_(LIVE))
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
