"""What live alerts are called by: labels, their values, sources, tenants; for who types one of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, lateral, select, true

from tocsin.store.database import DatabaseSession
from tocsin.store.queries.alert_conditions import LIVE, escaped, label
from tocsin.store.tables import Alert, Integration, Membership, Tenant, User

MOST_READ = 2_000
"""The worst and newest: a suggestion is not worth reading more."""


def _live(column: ColumnElement[Any], workspace_id: UUID) -> Select[Any]:
    return (
        select(column)
        .where(Alert.workspace_id == workspace_id, Alert.status.in_(LIVE))
        .order_by(Alert.severity, Alert.id.desc())
        .limit(MOST_READ)
    )


def _begins(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    return column.ilike(f"{escaped(prefix)}%", escape="\\")


async def label_names(
    session: DatabaseSession, workspace_id: UUID, prefix: str, most: int
) -> list[str]:
    """The most frequent first."""
    rows = _live(Alert.labels.expression.label("labels"), workspace_id).subquery()
    name = lateral(func.jsonb_object_keys(rows.c.labels).table_valued("name"))
    statement = (
        select(name.c.name)
        .select_from(rows)
        .join(name, true())
        .where(_begins(name.c.name, prefix))
        .group_by(name.c.name)
        .order_by(func.count().desc(), name.c.name)
        .limit(most)
    )
    return list(await session.scalars(statement))


async def label_values(
    session: DatabaseSession, workspace_id: UUID, name: str, prefix: str, most: int
) -> list[str]:
    """The most frequent first."""
    rows = _live(label(name).label("value"), workspace_id).subquery()
    statement = (
        select(rows.c.value)
        .where(rows.c.value != "", _begins(rows.c.value, prefix))
        .group_by(rows.c.value)
        .order_by(func.count().desc(), rows.c.value)
        .limit(most)
    )
    return list(await session.scalars(statement))


async def own_values(
    session: DatabaseSession, workspace_id: UUID, name: str, prefix: str, most: int
) -> list[str]:
    """Of what every alert has: `source`, `type`, `tenant` or `owner`."""
    column: ColumnElement[Any] = {
        "source": Integration.name.expression,
        "type": Integration.type.expression,
        "tenant": Tenant.slug.expression,
        "owner": User.name.expression,
    }[name]
    statement = select(column).distinct()
    match name:
        case "tenant":
            statement = statement.where(Tenant.workspace_id == workspace_id)
        case "owner":
            statement = statement.join(Membership, Membership.user_id == User.id).where(
                Membership.workspace_id == workspace_id
            )
        case _:
            statement = statement.where(
                Integration.workspace_id == workspace_id, Integration.deleted_at.is_(None)
            )
    return list(
        await session.scalars(statement.where(_begins(column, prefix)).order_by(column).limit(most))
    )
