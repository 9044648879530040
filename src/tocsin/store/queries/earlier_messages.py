"""What was said before to one destination about the same alert, or the same group."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import AlertDelivery

_OF_GROUPS = timedelta(days=7)
"""How far back a message of the same group is looked for; that has no index of its own."""


async def earlier_progress(session: DatabaseSession, delivery_id: UUID) -> Mapping[str, Any] | None:
    """The progress of the newest sent message before this one that left some."""
    table = AlertDelivery
    this = (
        await session.execute(
            select(
                table.workspace_id,
                table.alert_destination_id,
                table.alert_id,
                table.group_id,
                table.event_type,
                table.sequence,
                table.created_at,
            ).where(table.id == delivery_id)
        )
    ).one_or_none()
    if this is None or (this.alert_id is None and this.group_id is None):
        return None
    about = (
        [table.alert_id == this.alert_id]
        if this.alert_id is not None
        else [
            table.workspace_id == this.workspace_id,
            table.event_type == this.event_type,
            table.created_at >= this.created_at - _OF_GROUPS,
            table.alert_id.is_(None),
            table.group_id == this.group_id,
        ]
    )
    progress: Mapping[str, Any] | None = await session.scalar(
        select(table.progress)
        .where(
            *about,
            table.alert_destination_id == this.alert_destination_id,
            table.sequence < this.sequence,
            table.progress.is_not(None),
        )
        .order_by(table.sequence.desc())
        .limit(1)
    )
    return progress
