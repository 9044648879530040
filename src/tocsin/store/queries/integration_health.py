"""How what an integration sent last was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import WebhookDelivery

NEWEST = 100


@dataclass(frozen=True, slots=True)
class TakenWebhook:
    status_code: int
    flags: Sequence[str]
    error_message: str | None
    at: datetime


async def newest_webhooks(
    session: DatabaseSession, integration_id: UUID, since: datetime
) -> list[TakenWebhook]:
    """The newest of an integration, the newest first."""
    rows = await session.execute(
        select(
            WebhookDelivery.status_code,
            WebhookDelivery.flags,
            WebhookDelivery.error_message,
            WebhookDelivery.created_at,
        )
        .where(
            WebhookDelivery.integration_id == integration_id, WebhookDelivery.created_at >= since
        )
        .order_by(WebhookDelivery.created_at.desc())
        .limit(NEWEST)
    )
    return [TakenWebhook(code, flags, message, at) for code, flags, message, at in rows]
