"""The history of one integration, and its deletion: what points at a row is deleted before it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, select

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import (
    Alert,
    AlertDelivery,
    AlertDeliveryAttempt,
    AlertEvent,
    Resolution,
    WebhookClaim,
    WebhookDelivery,
)


async def delete_history(session: DatabaseSession, integration_id: UUID) -> None:
    """Deletes its webhook deliveries and alerts, and all that hangs on these."""
    alerts = select(Alert.id).where(Alert.integration_id == integration_id)
    messages = select(AlertDelivery.id).where(AlertDelivery.alert_id.in_(alerts))
    for statement in (
        delete(AlertDeliveryAttempt).where(AlertDeliveryAttempt.alert_delivery_id.in_(messages)),
        delete(AlertDelivery).where(AlertDelivery.alert_id.in_(alerts)),
        delete(AlertEvent).where(AlertEvent.alert_id.in_(alerts)),
        delete(WebhookDelivery).where(WebhookDelivery.integration_id == integration_id),
        delete(WebhookClaim).where(WebhookClaim.integration_id == integration_id),
        delete(Resolution).where(Resolution.integration_id == integration_id),
        delete(Alert).where(Alert.integration_id == integration_id),
    ):
        await session.execute(statement, execution_options={"synchronize_session": False})
