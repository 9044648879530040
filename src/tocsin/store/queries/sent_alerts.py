"""What one integration has sent, as its sender asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, select

from tocsin.model import AlertStatus
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import Alert, AlertEvent, WebhookDelivery

_LIVE = (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)


async def alert_by_id(
    session: DatabaseSession, integration_id: UUID, alert_id: UUID
) -> Alert | None:
    statement = select(Alert).where(Alert.id == alert_id, Alert.integration_id == integration_id)
    return await session.scalar(statement)


async def alert_by_external_id(
    session: DatabaseSession, integration_id: UUID, external_id: str
) -> Alert | None:
    """The live one, else the newest."""
    statement = (
        select(Alert)
        .where(Alert.integration_id == integration_id, Alert.external_id == external_id)
        .order_by(case((Alert.status.in_(_LIVE), 0), else_=1), Alert.id.desc())
        .limit(1)
    )
    return await session.scalar(statement)


async def newest_alerts(
    session: DatabaseSession, integration_id: UUID, most: int
) -> Sequence[Alert]:
    statement = (
        select(Alert)
        .where(Alert.integration_id == integration_id)
        .order_by(Alert.triggered_at.desc(), Alert.id.desc())
        .limit(most)
    )
    return (await session.scalars(statement)).all()


async def timeline(session: DatabaseSession, alert_id: UUID, most: int) -> Sequence[AlertEvent]:
    """The newest entries, last first."""
    statement = (
        select(AlertEvent)
        .where(AlertEvent.alert_id == alert_id)
        .order_by(AlertEvent.id.desc())
        .limit(most)
    )
    return (await session.scalars(statement)).all()


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request of a sender, and what became of it."""

    outcome: str
    payload: Any
    reason: str | None
    processed_at: datetime
    alert_id: UUID | None


async def recorded_request(
    session: DatabaseSession, integration_id: UUID, request_id: UUID
) -> RecordedRequest | None:
    table = WebhookDelivery
    statement = select(
        table.outcome, table.raw_payload, table.error_message, table.processed_at, table.alert_id
    ).where(table.id == request_id, table.integration_id == integration_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else RecordedRequest(*row)
