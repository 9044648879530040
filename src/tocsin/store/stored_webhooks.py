"""A webhook delivery as it was stored, for replaying it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, select

from tocsin.store.database import Connection
from tocsin.store.tables import Alert, AlertEvent, Integration, WebhookDelivery


async def find_stored_webhook(
    connection: Connection, workspace_id: UUID, delivery_id: UUID
) -> Any | None:
    """Its id, integration_id, headers, flags, outcome, alert_id and created_at, and as `body` the
    JSON text that was kept; None if it is not of this workspace."""
    table = WebhookDelivery
    found = await connection.execute(
        select(
            table.id,
            table.integration_id,
            table.headers,
            table.flags,
            table.outcome,
            table.alert_id,
            table.created_at,
            cast(table.raw_payload, Text).label("body"),
        )
        .join(Integration, Integration.id == table.integration_id)
        .where(table.id == delivery_id, Integration.workspace_id == workspace_id)
    )
    return found.one_or_none()


async def alerts_touched_by(connection: Connection, delivery_id: UUID) -> list[Any]:
    """Rows of the alerts on whose timelines it stands."""
    touched = select(AlertEvent.alert_id).where(AlertEvent.webhook_delivery_id == delivery_id)
    return list(
        await connection.execute(
            select(*Alert.__table__.columns).where(Alert.id.in_(touched)).order_by(Alert.id)
        )
    )


@dataclass(frozen=True, slots=True)
class WebhookOnRecord:
    """A delivery with its body, as the JSON text that was kept."""

    id: UUID
    headers: Mapping[str, str]
    flags: Sequence[str]
    outcome: str
    created_at: datetime
    body: str


async def webhooks_on_record(
    connection: Connection, integration_id: UUID, ids: Sequence[UUID], newest: int
) -> list[WebhookOnRecord]:
    """Those of an integration that are named, and so many of the newest; each once, newest first."""
    table = WebhookDelivery
    asked = select(
        table.id,
        table.headers,
        table.flags,
        table.outcome,
        table.created_at,
        cast(table.raw_payload, Text).label("body"),
    ).where(table.integration_id == integration_id)
    rows = list(await connection.execute(asked.where(table.id.in_(ids)))) if ids else []
    if newest:
        rows += await connection.execute(asked.order_by(table.created_at.desc()).limit(newest))
    found = {row.id: WebhookOnRecord(**row._mapping) for row in rows}
    return sorted(found.values(), key=lambda each: (each.created_at, each.id), reverse=True)
