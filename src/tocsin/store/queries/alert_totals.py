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

_HOURS = 24
_MOST_READ = 50_000


@dataclass(slots=True)
class Hour:
    begins_at: datetime
    counts: dict[Severity, int] = field(default_factory=dict)


async def hours_of_alerts(
    session: DatabaseSession, workspace_id: UUID, now: datetime
) -> list[Hour]:
    """The last 24 hours, oldest first, of the newest alerts there are (bounded)."""
    last = now.replace(minute=0, second=0, microsecond=0)
    hours = [Hour(last - timedelta(hours=back)) for back in reversed(range(_HOURS))]
    rows = (
        select(Alert.created_at, Alert.severity)
        .where(Alert.workspace_id == workspace_id, Alert.id >= uuid7_at_least(hours[0].begins_at))
        .order_by(Alert.id.desc())
        .limit(_MOST_READ)
        .subquery()
    )
    hour = func.date_trunc("hour", rows.c.created_at)
    counted = select(hour, rows.c.severity, func.count()).group_by(hour, rows.c.severity)
    by_hour = {each.begins_at: each for each in hours}
    for begins_at, severity, count in await session.execute(counted):
        if begins_at in by_hour:
            by_hour[begins_at].counts[severity] = count
    return hours


async def last_activity(session: DatabaseSession, workspace_id: UUID) -> datetime | None:
    """When the newest alert came, or changed last."""
    statement = (
        select(Alert.updated_at)
        .where(Alert.workspace_id == workspace_id)
        .order_by(Alert.id.desc())
        .limit(1)
    )
    return await session.scalar(statement)
