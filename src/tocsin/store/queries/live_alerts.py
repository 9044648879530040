"""Live alerts whole, for programs that expect all of them in one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from tocsin.model import AlertStatus
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import Alert, AlertLease, Integration


async def live_alerts(
    session: DatabaseSession,
    workspace_id: UUID,
    *,
    integration_id: UUID | None = None,
    most: int,
) -> Sequence[Any]:
    """The newest of a workspace, or of one of its integrations; `type` is that of the integration,
    `lease_ends_at` the end that its senders name, if they do."""
    lease = (
        select(func.max(AlertLease.ends_at))
        .where(AlertLease.alert_id == Alert.id)
        .scalar_subquery()
    )
    statement = (
        select(
            Alert.id,
            Alert.tenant_id,
            Alert.integration_id,
            Alert.external_id,
            Alert.title,
            Alert.description,
            Alert.severity,
            Alert.status,
            Alert.source,
            Alert.labels,
            Alert.metadata_.label("details"),
            Alert.triggered_at,
            Alert.updated_at,
            Alert.snoozed_until,
            Alert.snoozed_by,
            Integration.type,
            lease.label("lease_ends_at"),
        )
        .join(Integration, Integration.id == Alert.integration_id)
        .where(
            Alert.workspace_id == workspace_id,
            Alert.status.in_((AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED)),
        )
        .order_by(Alert.id.desc())
        .limit(most)
    )
    if integration_id is not None:
        statement = statement.where(Alert.integration_id == integration_id)
    return (await session.execute(statement)).all()
