"""What is said of schedules: which there are to look at, what was said already, and the messages."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from tocsin.model import AlertDeliveryStatus, EventType, Reason, Severity, uuid7
from tocsin.store.database import DatabaseSession
from tocsin.store.delivery_news import CHANNEL
from tocsin.store.tables import AlertDelivery, ScheduleNotice, StoredSchedule


async def schedules_in(
    session: DatabaseSession, workspace_ids: Collection[UUID] | None = None
) -> Sequence[StoredSchedule]:
    """Those of these workspaces, or of all."""
    table = StoredSchedule
    query = select(table).where(table.deleted_at.is_(None)).order_by(table.id)
    if workspace_ids is not None:
        query = query.where(table.workspace_id.in_(workspace_ids))
    return (await session.scalars(query)).all()


async def note(
    session: DatabaseSession, schedule_id: UUID, kind: str, key: str, expires_at: datetime
) -> bool:
    """Whether it was not noted before; of many who do at the same time, one."""
    table = ScheduleNotice
    noted = await session.execute(
        insert(table)
        .values(schedule_id=schedule_id, kind=kind, key=key, expires_at=expires_at)
        .on_conflict_do_nothing()
        .returning(table.key)
    )
    return noted.one_or_none() is not None


async def noted_keys(session: DatabaseSession, schedule_id: UUID, kind: str) -> set[str]:
    table = ScheduleNotice
    query = select(table.key).where(table.schedule_id == schedule_id, table.kind == kind)
    return set(await session.scalars(query))


async def note_all(
    session: DatabaseSession,
    schedule_id: UUID,
    kind: str,
    keys: Collection[str],
    expires_at: datetime,
) -> None:
    """These are there (still): they are remembered for so long."""
    if not keys:
        return
    table = ScheduleNotice
    statement = insert(table).values(
        [
            {"schedule_id": schedule_id, "kind": kind, "key": key, "expires_at": expires_at}
            for key in sorted(keys)
        ]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[table.schedule_id, table.kind, table.key],
            set_={"expires_at": statement.excluded.expires_at},
        )
    )


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """One message. It is given up at `give_up_at`: what it says is old then."""

    workspace_id: UUID
    destination_id: UUID
    event_type: EventType
    payload: dict[str, Any]
    give_up_at: datetime
    detail: dict[str, Any]
    user_id: UUID | None = None


async def add_notices(session: DatabaseSession, rows: Sequence[NoticeRow]) -> None:
    """They are sent when the transaction has committed."""
    if not rows:
        return
    now = func.clock_timestamp()
    for each in rows:
        session.add(
            AlertDelivery(
                id=uuid7(),
                workspace_id=each.workspace_id,
                alert_destination_id=each.destination_id,
                event_type=each.event_type.value,
                status=AlertDeliveryStatus.QUEUED,
                payload=each.payload,
                reason=Reason.NOTICE.value,
                detail=each.detail,
                urgency=Severity.LOW,
                user_id=each.user_id,
                give_up_at=each.give_up_at,
                created_at=now,
                updated_at=now,
            )
        )
    await session.flush()
    await session.execute(text(f"NOTIFY {CHANNEL}"))
