"""How many alerts came in when, and when something happened last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from tocsin.model import Severity
from tocsin.model.ids import uuid7_at_least
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import Alert

_MOST_READ = 50_000


@dataclass(slots=True)
class Hour:
    begins_at: datetime
    counts: dict[Severity, int] = field(default_factory=dict)


async def count_hours(
    session: DatabaseSession, workspace_id: UUID, begins_at: datetime, hours: int
) -> list[Hour]:
    """So many hours from `begins_at` on, oldest first, of the newest alerts there are (bounded)."""
    found = [Hour(begins_at + timedelta(hours=each)) for each in range(hours)]
    rows = (
        select(Alert.created_at, Alert.severity)
        .where(
            Alert.workspace_id == workspace_id,
            Alert.id >= uuid7_at_least(begins_at),
            Alert.id < uuid7_at_least(begins_at + timedelta(hours=hours)),
        )
        .order_by(Alert.id.desc())
        .limit(_MOST_READ)
        .subquery()
    )
    hour = func.date_trunc("hour", rows.c.created_at)
    counted = select(hour, rows.c.severity, func.count()).group_by(hour, rows.c.severity)
    by_hour = {each.begins_at: each for each in found}
    for at, severity, count in await session.execute(counted):
        if at in by_hour:
            by_hour[at].counts[severity] = count
    return found


async def last_activity(session: DatabaseSession, workspace_id: UUID) -> datetime | None:
    """When the newest alert came, or changed last."""
    statement = (
        select(Alert.updated_at)
        .where(Alert.workspace_id == workspace_id)
        .order_by(Alert.id.desc())
        .limit(1)
    )
    return await session.scalar(statement)
