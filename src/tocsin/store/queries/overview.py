"""What the newest alerts and messages of some days come to: bounded, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tocsin.model.ids import uuid7_at_least
from tocsin.store.database import DatabaseSession
from tocsin.store.statements import statement
from tocsin.store.tables import AlertDestination, AlertRule, User

MOST_COUNTED = 8_000
"""Alerts, and as many messages."""
MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """`alerts_since`: the oldest of what was counted, and so for messages. The rest are documents as
    `store/sql/overview.sql` makes them."""

    alerts: int
    alerts_since: datetime | None
    messages: int
    messages_since: datetime | None
    times: list[dict[str, Any]]
    severities: list[dict[str, Any]]
    titles: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    pages: list[dict[str, Any]]
    destinations: list[dict[str, Any]]


async def count_recent(
    session: DatabaseSession,
    workspace_id: UUID,
    since: datetime,
    soon_seconds: float,
) -> Counted:
    """Times are counted by the hour."""
    connection = await session.connection()
    found = await connection.exec_driver_sql(
        statement("overview").decode(),
        {
            "workspace_id": workspace_id,
            "since": uuid7_at_least(since),
            "most": MOST_COUNTED,
            "shown": MOST_SHOWN,
            "soon": soon_seconds,
        },
    )
    return Counted(**found.mappings().one())


@dataclass(frozen=True, slots=True)
class Names:
    """Of what the numbers are about, also of what was deleted since."""

    rules: dict[UUID, AlertRule]
    destinations: dict[UUID, str]
    users: dict[UUID, tuple[str, str]]
    """Name and timezone."""


async def names_of_counted(
    session: DatabaseSession,
    workspace_id: UUID,
    rule_ids: Sequence[UUID],
    destination_ids: Sequence[UUID],
    user_ids: Sequence[UUID],
) -> Names:
    rules = await session.scalars(
        select(AlertRule).where(
            AlertRule.workspace_id == workspace_id,
            AlertRule.id.in_(rule_ids),
            AlertRule.deleted_at.is_(None),
        )
    )
    destinations = await session.execute(
        select(AlertDestination.id, AlertDestination.name).where(
            AlertDestination.workspace_id == workspace_id, AlertDestination.id.in_(destination_ids)
        )
    )
    users = await session.execute(
        select(User.id, User.name, User.timezone).where(User.id.in_(user_ids))
    )
    return Names(
        {each.id: each for each in rules},
        {each.id: each.name for each in destinations},
        {each.id: (each.name, each.timezone) for each in users},
    )
