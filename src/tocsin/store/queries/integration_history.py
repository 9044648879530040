"""The past of one integration: whether there is any, and how to be rid of it.

No foreign keys hold these rows together (they record what was, whatever became of it), so deleting
names each table.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete, exists, or_, select

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


async def has_history(session: DatabaseSession, integration_id: UUID) -> bool:
    """Whether anything was ever received for it and is still on record."""
    found = await session.scalar(
        select(
            or_(
                exists().where(WebhookDelivery.integration_id == integration_id),
                exists().where(Alert.integration_id == integration_id),
            )
        )
    )
    return bool(found)


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
