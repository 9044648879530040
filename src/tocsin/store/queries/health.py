"""Whether what should work does: when sources were heard, which destinations fail, what waits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, true

from tocsin.model import AlertDeliveryStatus
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import (
    AlertDelivery,
    AlertDestination,
    DestinationState,
    Integration,
    WebhookDelivery,
)

LOOKED_AT = 50
QUIET_LEAST = timedelta(hours=1)
"""Nobody is silent who was heard since."""
_QUIET_FACTOR = 10
_MOST_SOURCES = 200


@dataclass(frozen=True, slots=True)
class SourceHeard:
    """`last_at` None: never. `usual_gap`: the mean of its newest ones; None if it has too few."""

    id: UUID
    name: str
    last_at: datetime | None
    usual_gap: timedelta | None

    def is_silent(self, now: datetime) -> bool:
        """Whether it has been quiet for much longer than it uses to be."""
        if self.last_at is None or self.usual_gap is None:
            return False
        return now - self.last_at > max(QUIET_LEAST, _QUIET_FACTOR * self.usual_gap)


async def sources_heard(session: DatabaseSession, workspace_id: UUID) -> list[SourceHeard]:
    """Of each active integration, by name."""
    newest = (
        select(WebhookDelivery.created_at)
        .where(WebhookDelivery.integration_id == Integration.id)
        .order_by(WebhookDelivery.created_at.desc())
        .limit(LOOKED_AT)
        .lateral()
    )
    rows = await session.execute(
        select(
            Integration.id,
            Integration.name,
            func.max(newest.c.created_at),
            func.min(newest.c.created_at),
            func.count(newest.c.created_at),
        )
        .join(newest, true(), isouter=True)
        .where(
            Integration.workspace_id == workspace_id,
            Integration.is_active,
            Integration.deleted_at.is_(None),
        )
        .group_by(Integration.id, Integration.name)
        .order_by(Integration.name)
        .limit(_MOST_SOURCES)
    )
    return [
        SourceHeard(id, name, last, (last - first) / (count - 1) if count > 4 else None)
        for id, name, last, first, count in rows
    ]


@dataclass(frozen=True, slots=True)
class FailingDestination:
    id: UUID
    name: str
    since: datetime


async def failing_destinations(
    session: DatabaseSession, workspace_id: UUID
) -> list[FailingDestination]:
    """Enabled ones, those that fail longest first."""
    rows = await session.execute(
        select(AlertDestination.id, AlertDestination.name, DestinationState.failing_since)
        .join(DestinationState, DestinationState.alert_destination_id == AlertDestination.id)
        .where(
            AlertDestination.workspace_id == workspace_id,
            AlertDestination.deleted_at.is_(None),
            AlertDestination.is_enabled,
            DestinationState.failing_since.is_not(None),
        )
        .order_by(DestinationState.failing_since)
    )
    return [FailingDestination(row.id, row.name, row.failing_since) for row in rows]


async def count_destinations(session: DatabaseSession, workspace_id: UUID) -> int:
    """Enabled ones of the workspace, not those of a person."""
    return (
        await session.scalar(
            select(func.count()).where(
                AlertDestination.workspace_id == workspace_id,
                AlertDestination.deleted_at.is_(None),
                AlertDestination.user_id.is_(None),
                AlertDestination.is_enabled,
            )
        )
        or 0
    )


async def oldest_due(
    session: DatabaseSession, workspace_id: UUID, now: datetime
) -> datetime | None:
    """Since when the oldest message that is due waits; None if none does."""
    due_at = func.coalesce(AlertDelivery.send_after, AlertDelivery.created_at)
    return await session.scalar(
        select(func.min(due_at)).where(
            AlertDelivery.workspace_id == workspace_id,
            AlertDelivery.status == AlertDeliveryStatus.QUEUED,
            due_at <= now,
        )
    )
