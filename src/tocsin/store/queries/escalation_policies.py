"""Escalation policies and their versions, and which of them name something."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from tocsin.model import TargetKind
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import StoredPolicy, StoredPolicyVersion


async def page_of_policies(
    session: DatabaseSession, workspace_id: UUID, request: PageRequest
) -> RowPage[StoredPolicy]:
    statement = select(StoredPolicy).where(
        StoredPolicy.workspace_id == workspace_id, StoredPolicy.deleted_at.is_(None)
    )
    return await fetch_page(
        session, statement, request, key=StoredPolicy.id, list_name="escalation-policies"
    )


async def add_version(session: DatabaseSession, row: StoredPolicy, now: datetime) -> None:
    """Keeps the policy as it is now, for the escalations that begin by it."""
    session.add(
        StoredPolicyVersion(
            escalation_policy_id=row.id,
            version=row.version,
            name=row.name,
            steps=row.steps,
            repeat=row.repeat,
            on_exhausted_destination_id=row.on_exhausted_destination_id,
            ack_timeout_minutes=row.ack_timeout_minutes,
            created_at=now,
        )
    )
    await session.flush()


async def policies_naming(
    session: DatabaseSession, workspace_id: UUID, kind: TargetKind, target_id: UUID, most: int
) -> Sequence[str]:
    """The names of the policies that have it as a target, or notify it in the end."""
    target = {"type": kind.value, "id": str(target_id)}
    named = StoredPolicy.steps.contains([{"targets": [target]}])
    if kind is TargetKind.DESTINATION:
        named = or_(named, StoredPolicy.on_exhausted_destination_id == target_id)
    statement = select(StoredPolicy.name).where(
        StoredPolicy.workspace_id == workspace_id, StoredPolicy.deleted_at.is_(None), named
    )
    return (await session.scalars(statement.order_by(StoredPolicy.name).limit(most))).all()
