"""Notification rules: read and replaced, a whole list at a time."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import NotificationRule


async def rules_of(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID
) -> Sequence[NotificationRule]:
    """Those of high urgency first, each list in its order."""
    found = await session.scalars(
        select(NotificationRule)
        .where(NotificationRule.workspace_id == workspace_id, NotificationRule.user_id == user_id)
        .order_by(NotificationRule.urgency, NotificationRule.position)
    )
    return found.all()


async def replace_rules(
    session: DatabaseSession,
    workspace_id: UUID,
    user_id: UUID,
    rules: Sequence[NotificationRule],
) -> None:
    await session.execute(
        delete(NotificationRule).where(
            NotificationRule.workspace_id == workspace_id, NotificationRule.user_id == user_id
        )
    )
    session.add_all(rules)
    await session.flush()
