"""How far a workspace is on its way to the first message."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import exists, select

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import Alert, AlertDestination, AlertRule, Integration


@dataclass(frozen=True, slots=True)
class SetUpSoFar:
    """The newest integration and alert, and what there is at all."""

    integration_id: UUID | None
    alert_id: UUID | None
    has_destination: bool
    has_rule: bool


async def set_up_so_far(session: DatabaseSession, workspace_id: UUID) -> SetUpSoFar:
    integration = (
        select(Integration.id)
        .where(Integration.workspace_id == workspace_id, Integration.deleted_at.is_(None))
        .order_by(Integration.id.desc())
        .limit(1)
    )
    alert = (
        select(Alert.id)
        .where(Alert.workspace_id == workspace_id)
        .order_by(Alert.id.desc())
        .limit(1)
    )
    destination = exists().where(
        AlertDestination.workspace_id == workspace_id,
        AlertDestination.user_id.is_(None),
        AlertDestination.deleted_at.is_(None),
    )
    rule = exists().where(AlertRule.workspace_id == workspace_id, AlertRule.deleted_at.is_(None))
    row = (
        await session.execute(
            select(integration.scalar_subquery(), alert.scalar_subquery(), destination, rule)
        )
    ).one()
    return SetUpSoFar(row[0], row[1], row[2], row[3])
