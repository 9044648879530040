"""Escalation policies and their versions, and which of them name something."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select

from tocsin.model import AlertDeliveryStatus, EventType, TargetKind
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.statements import statement
from tocsin.store.tables import (
    AlertDelivery,
    AlertDestination,
    EscalationTurn,
    StoredPolicy,
    StoredPolicyVersion,
)


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


async def read_turns(
    session: DatabaseSession, policy_ids: Collection[UUID]
) -> Mapping[UUID, Mapping[int, int]]:
    """By policy, of the steps that ask one target at a time: the place of the one that is asked next."""
    turn = EscalationTurn
    found = await session.execute(
        select(turn.escalation_policy_id, turn.step, turn.next).where(
            turn.escalation_policy_id.in_(policy_ids)
        )
    )
    turns: dict[UUID, dict[int, int]] = {id: {} for id in policy_ids}
    for row in found:
        turns[row.escalation_policy_id][row.step] = row.next
    return turns


async def schedules_as_of(
    session: DatabaseSession, ids: Collection[UUID], since: datetime, until: datetime
) -> Sequence[Any]:
    """Rows of `id, name, versions, overrides`, with what holds from `since` until just before
    `until`."""
    connection = await session.connection()
    found = await connection.exec_driver_sql(
        statement("read_schedules").decode(),
        {"ids": list(ids), "since": since, "until": until},
    )
    return found.all()


async def last_pages(
    session: DatabaseSession, workspace_id: UUID, contact_ids: Collection[UUID]
) -> Mapping[UUID, datetime]:
    """When the newest message about an alert was sent to each of these contact methods; without those
    that none was sent to."""
    newest = (
        select(AlertDelivery.sent_at)
        .where(
            AlertDelivery.workspace_id == workspace_id,
            AlertDelivery.alert_destination_id == AlertDestination.id,
            AlertDelivery.event_type == EventType.TRIGGERED.value,
            AlertDelivery.status == AlertDeliveryStatus.SENT,
        )
        .order_by(AlertDelivery.created_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = await session.execute(
        select(AlertDestination.id, newest.label("sent_at")).where(
            AlertDestination.id.in_(contact_ids)
        )
    )
    return {row.id: row.sent_at for row in found if row.sent_at is not None}
