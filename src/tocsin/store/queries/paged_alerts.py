"""Which alerts wait for the answer of one person: those that paged them and that nobody has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select, true

from tocsin.model import AlertDeliveryStatus, AlertStatus, EventType
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import Alert, AlertDelivery, AlertDestination

_NEWEST: Final = 100
"""So many messages are looked at of each contact method: what paged before them pages no more."""


async def alerts_paging(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID, most: int
) -> Sequence[UUID]:
    """The worst first, then the newest."""
    return (await session.scalars(paging(workspace_id, user_id).limit(most))).all()


def paging(workspace_id: UUID, user_id: UUID) -> Select[UUID]:
    """The statement of `alerts_paging`: by the newest messages of each of their contact methods."""
    contact = (
        select(AlertDestination.id)
        .where(AlertDestination.workspace_id == workspace_id, AlertDestination.user_id == user_id)
        .subquery()
    )
    message = (
        select(AlertDelivery.alert_id, AlertDelivery.status)
        .where(
            AlertDelivery.workspace_id == workspace_id,
            AlertDelivery.alert_destination_id == contact.c.id,
            AlertDelivery.event_type == EventType.TRIGGERED.value,
        )
        .order_by(AlertDelivery.created_at.desc())
        .limit(_NEWEST)
        .lateral()
    )
    sent = (
        select(message.c.alert_id)
        .select_from(contact.join(message, true()))
        .where(message.c.status == AlertDeliveryStatus.SENT)
    )
    return (
        select(Alert.id)
        .where(Alert.id.in_(sent), Alert.status == AlertStatus.OPEN)
        .order_by(Alert.severity, Alert.id.desc())
    )
