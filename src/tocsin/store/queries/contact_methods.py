"""Contact methods: destinations that belong to a person, and the codes that were sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage, fetch_page
from tocsin.store.tables import AlertDestination, ContactCode, NotificationRule


async def page_of_contact_methods(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID, request: PageRequest
) -> RowPage[AlertDestination]:
    table = AlertDestination
    statement = select(table).where(
        table.workspace_id == workspace_id,
        table.user_id == user_id,
        table.deleted_at.is_(None),
    )
    return await fetch_page(session, statement, request, key=table.id, list_name="contact-methods")


async def find_contact_method(
    session: DatabaseSession, workspace_id: UUID, contact_method_id: UUID
) -> AlertDestination | None:
    table = AlertDestination
    return await session.scalar(
        select(table).where(
            table.id == contact_method_id,
            table.workspace_id == workspace_id,
            table.user_id.is_not(None),
            table.deleted_at.is_(None),
        )
    )


async def contact_method_ids(
    session: DatabaseSession, workspace_id: UUID, user_id: UUID
) -> Sequence[UUID]:
    table = AlertDestination
    found = await session.scalars(
        select(table.id).where(
            table.workspace_id == workspace_id,
            table.user_id == user_id,
            table.deleted_at.is_(None),
        )
    )
    return found.all()


async def forget_contact_method(session: DatabaseSession, contact_method_id: UUID) -> None:
    """What would otherwise outlive one that is deleted: its lines of rules, and its code."""
    await session.execute(
        delete(NotificationRule).where(NotificationRule.contact_method_id == contact_method_id)
    )
    await session.execute(
        delete(ContactCode).where(ContactCode.alert_destination_id == contact_method_id)
    )


# Codes


async def codes_sent_today(session: DatabaseSession, user_id: UUID) -> int:
    """How many codes were sent to somebody's contact methods in a day, deleted ones too."""
    return await session.scalar(_CODES_TODAY, {"user_id": user_id}) or 0


async def keep_code(
    session: DatabaseSession, contact_method_id: UUID, code_hash: bytes, expires_at: datetime
) -> None:
    """It takes the place of the one that was sent before, and of the wrong ones that were entered."""
    values = {
        "code_hash": code_hash,
        "wrong_count": 0,
        "expires_at": expires_at,
        "created_at": func.now(),
    }
    await session.execute(
        insert(ContactCode)
        .values(alert_destination_id=contact_method_id, **values)
        .on_conflict_do_update(index_elements=[ContactCode.alert_destination_id], set_=values)
    )


async def lock_code(session: DatabaseSession, contact_method_id: UUID) -> ContactCode | None:
    """The code that was last sent to it, locked until the commit: one try at a time."""
    return await session.scalar(
        select(ContactCode)
        .where(ContactCode.alert_destination_id == contact_method_id)
        .with_for_update()
    )


async def drop_code(session: DatabaseSession, code: ContactCode) -> None:
    await session.delete(code)
    await session.flush()


_CODES_TODAY = text(
    """
    SELECT count(*)
    FROM alert_destinations AS method
    JOIN alert_deliveries AS d
      ON d.workspace_id = method.workspace_id AND d.alert_destination_id = method.id
     AND d.event_type = 'alerts.test' AND d.created_at > now() - interval '1 day'
    WHERE method.user_id = :user_id AND d.reason = 'verification'
    """
)
