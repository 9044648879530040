"""Which alert an answer to an earlier mail is about."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from tocsin.model import AlertStatus
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import Alert, WebhookDelivery

_LIVE = (AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)


async def external_id_of_thread(
    session: DatabaseSession,
    integration_id: UUID,
    message_ids: Sequence[str],
    external_ids: Sequence[str],
) -> str | None:
    """The external id of the alert that the newest of these messages was about; else the first of
    `external_ids` that a live alert has."""
    found: str | None = await session.scalar(
        select(Alert.external_id)
        .join(WebhookDelivery, WebhookDelivery.alert_id == Alert.id)
        .where(
            WebhookDelivery.integration_id == integration_id,
            WebhookDelivery.idempotency_key.in_(message_ids),
            Alert.external_id.is_not(None),
        )
        .order_by(WebhookDelivery.created_at.desc())
        .limit(1)
    )
    if found is not None:
        return found
    live = set(
        await session.scalars(
            select(Alert.external_id).where(
                Alert.integration_id == integration_id,
                Alert.external_id.in_(external_ids),
                Alert.status.in_(_LIVE),
            )
        )
    )
    return next((each for each in external_ids if each in live), None)
