"""People as members of a workspace: listed, found, added, removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from tocsin.store.database import DatabaseSession
from tocsin.store.deletion import mark_deleted
from tocsin.store.paging import PageRequest, RowPage, contains_text, equal, fetch_page
from tocsin.store.queries.api_keys import delete_personal_keys
from tocsin.store.queries.sessions import end_sessions
from tocsin.store.tables import AlertDestination, Membership, NotificationRule, User
from tocsin.store.workspace_rows import NameTaken


@dataclass(frozen=True, slots=True)
class Member:
    user: User
    membership: Membership


async def page_of_users(
    session: DatabaseSession,
    workspace_id: UUID,
    request: PageRequest,
    *,
    q: str | None,
    role: str | None,
    is_active: bool | None,
) -> RowPage[User]:
    statement = (
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.workspace_id == workspace_id,
            User.deleted_at.is_(None),
            *equal((Membership.role, role), (User.is_active, is_active)),
            *contains_text(q, User.name, User.email),
        )
    )
    return await fetch_page(session, statement, request, key=User.id, list_name="users")


async def find_member(session: DatabaseSession, workspace_id: UUID, user_id: UUID) -> Member | None:
    statement = (
        select(User, Membership)
        .join(Membership, Membership.user_id == User.id)
        .where(
            User.id == user_id,
            User.deleted_at.is_(None),
            Membership.workspace_id == workspace_id,
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Member(*row)


async def find_user_by_email(session: DatabaseSession, email: str) -> User | None:
    """Whoever has this address, in whatever case it is written."""
    return await session.scalar(
        select(User).where(func.lower(User.email) == email.lower(), User.deleted_at.is_(None))
    )


async def roles_of(
    session: DatabaseSession, workspace_id: UUID, user_ids: Collection[UUID]
) -> Mapping[UUID, str]:
    rows = await session.execute(
        select(Membership.user_id, Membership.role).where(
            Membership.workspace_id == workspace_id, Membership.user_id.in_(user_ids)
        )
    )
    return {row.user_id: row.role for row in rows}


async def reachable_among(
    session: DatabaseSession, workspace_id: UUID, user_ids: Collection[UUID]
) -> set[UUID]:
    """Those of them with a contact method that can be paged."""
    table = AlertDestination
    found = await session.scalars(
        select(table.user_id)
        .where(
            table.workspace_id == workspace_id,
            table.user_id.in_(user_ids),
            table.deleted_at.is_(None),
            table.is_enabled,
            table.verified_at.is_not(None),
        )
        .distinct()
    )
    return {user_id for user_id in found if user_id is not None}


async def disabled_among(session: DatabaseSession, user_ids: Collection[UUID]) -> set[UUID]:
    found = await session.scalars(
        select(User.id).where(User.id.in_(user_ids), User.is_active.is_(False))
    )
    return set(found)


async def is_member_elsewhere(session: DatabaseSession, workspace_id: UUID, user_id: UUID) -> bool:
    """Whether they are a member of any other workspace."""
    statement = select(Membership.user_id).where(
        Membership.user_id == user_id, Membership.workspace_id != workspace_id
    )
    return (await session.scalar(statement.limit(1))) is not None


async def write_user(session: DatabaseSession, *rows: User | Membership) -> None:
    """Inserts or updates them, in this order.

    Raises:
        NameTaken: another person has the address.
    """
    email = next((row.email for row in rows if isinstance(row, User)), "")
    try:
        for row in rows:
            session.add(row)
            await session.flush()
    except IntegrityError as error:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        if constraint == "uq_users_email":
            raise NameTaken("user", "email", email) from None
        raise


async def remove_member(session: DatabaseSession, member: Member, now: datetime) -> None:
    """Takes somebody out of a workspace, with their contact methods, rules and keys there. Who is a
    member of no other is deleted."""
    user, workspace_id = member.user, member.membership.workspace_id
    table = AlertDestination
    methods = await session.scalars(
        select(table).where(
            table.workspace_id == workspace_id,
            table.user_id == user.id,
            table.deleted_at.is_(None),
        )
    )
    for method in methods:
        mark_deleted(method, now)
    await session.flush()
    await session.execute(
        delete(NotificationRule).where(
            NotificationRule.workspace_id == workspace_id, NotificationRule.user_id == user.id
        )
    )
    await delete_personal_keys(session, workspace_id, user.id)
    await session.delete(member.membership)
    await session.flush()
    if not await is_member_elsewhere(session, workspace_id, user.id):
        mark_deleted(user, now)
        await end_sessions(session, user.id)
        await session.flush()
