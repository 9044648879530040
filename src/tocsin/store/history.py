"""The past of one integration: whether there is any, and how to be rid of it.

No foreign keys hold these rows together (they record what was, whatever became of it), so deleting
names each table.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete as sql_delete
from sqlalchemy import exists as sql_exists
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from tocsin.store.tables import (
    Alert,
    AlertDelivery,
    AlertDeliveryAttempt,
    AlertEvent,
    Resolution,
    WebhookClaim,
    WebhookDelivery,
)


async def exists(session: AsyncSession, integration_id: UUID) -> bool:
    """Whether anything was ever received for it and is still on record."""
    found = await session.scalar(
        select(
            or_(
                sql_exists().where(WebhookDelivery.integration_id == integration_id),
                sql_exists().where(Alert.integration_id == integration_id),
            )
        )
    )
    return bool(found)


async def delete(session: AsyncSession, integration_id: UUID) -> None:
    """Deletes its webhook deliveries and alerts, and all that hangs on these."""
    alerts = select(Alert.id).where(Alert.integration_id == integration_id)
    messages = select(AlertDelivery.id).where(AlertDelivery.alert_id.in_(alerts))
    for statement in (
        sql_delete(AlertDeliveryAttempt).where(
            AlertDeliveryAttempt.alert_delivery_id.in_(messages)
        ),
        sql_delete(AlertDelivery).where(AlertDelivery.alert_id.in_(alerts)),
        sql_delete(AlertEvent).where(AlertEvent.alert_id.in_(alerts)),
        sql_delete(WebhookDelivery).where(WebhookDelivery.integration_id == integration_id),
        sql_delete(WebhookClaim).where(WebhookClaim.integration_id == integration_id),
        sql_delete(Resolution).where(Resolution.integration_id == integration_id),
        sql_delete(Alert).where(Alert.integration_id == integration_id),
    ):
        await session.execute(statement, execution_options={"synchronize_session": False})
