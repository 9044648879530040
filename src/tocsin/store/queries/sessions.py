"""Sessions of people, and links that sign in once: found by the hash of what a browser sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update

from tocsin.model import DEFAULT_SLUG, Role
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import Membership, Session, SignInLink, Tenant, User, Workspace


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session with its person, who may still be there or not."""

    id: UUID
    user_id: UUID
    token_hash: bytes
    expires_at: datetime
    last_used_at: datetime | None
    workspace_id: UUID | None
    email: str
    name: str
    timezone: str
    preferences: dict[str, Any]


async def find_session(session: DatabaseSession, token_hash: bytes) -> KnownSession | None:
    """The session of an active person; None if there is none."""
    columns = [
        getattr(Session if hasattr(Session, each.name) else User, each.name)
        for each in fields(KnownSession)
    ]
    row = (
        await session.execute(
            select(*columns)
            .join(User, User.id == Session.user_id)
            .where(Session.token_hash == token_hash, User.is_active, User.deleted_at.is_(None))
        )
    ).one_or_none()
    return None if row is None else KnownSession(**row._mapping)


@dataclass(frozen=True, slots=True)
class MemberOf:
    """A workspace that a person is a member of."""

    workspace_id: UUID
    slug: str
    name: str
    role: Role
    has_tenants: bool
    """Besides the one that it was made with."""


async def places_of(session: DatabaseSession, user_id: UUID) -> list[MemberOf]:
    """By name."""
    tenants = exists().where(
        Tenant.workspace_id == Workspace.id,
        Tenant.deleted_at.is_(None),
        Tenant.slug != DEFAULT_SLUG,
    )
    rows = await session.execute(
        select(
            Workspace.id,
            Workspace.slug,
            Workspace.name,
            Membership.role,
            tenants.label("has_tenants"),
        )
        .join(Membership, Membership.workspace_id == Workspace.id)
        .where(Membership.user_id == user_id)
        .order_by(Workspace.name)
    )
    return [MemberOf(row.id, row.slug, row.name, Role(row.role), row.has_tenants) for row in rows]


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody who may sign in."""

    id: UUID
    email: str
    name: str
    password_hash: str | None


async def find_person(session: DatabaseSession, email: str) -> KnownPerson | None:
    """By address, in any case; only if active."""
    row = (
        await session.execute(
            select(User.id, User.email, User.name, User.password_hash).where(
                func.lower(User.email) == email.lower(),
                User.is_active,
                User.deleted_at.is_(None),
            )
        )
    ).one_or_none()
    return None if row is None else KnownPerson(**row._mapping)


async def is_anybody_there(session: DatabaseSession) -> bool:
    """Whether there is any person at all who can sign in."""
    found = await session.scalar(
        select(User.id).where(User.is_active, User.deleted_at.is_(None)).limit(1)
    )
    return found is not None


async def sessions_of(session: DatabaseSession, user_id: UUID) -> Sequence[Session]:
    """Newest use first."""
    return (
        await session.scalars(
            select(Session)
            .where(Session.user_id == user_id)
            .order_by(Session.last_used_at.desc().nulls_last(), Session.id.desc())
        )
    ).all()


async def note_use_of_session(session: DatabaseSession, session_id: UUID, now: datetime) -> None:
    await session.execute(update(Session).where(Session.id == session_id).values(last_used_at=now))


async def work_in(session: DatabaseSession, session_id: UUID, workspace_id: UUID) -> None:
    """From now on, this session is about that workspace."""
    await session.execute(
        update(Session).where(Session.id == session_id).values(workspace_id=workspace_id)
    )


async def end_session(session: DatabaseSession, user_id: UUID, session_id: UUID) -> bytes | None:
    """Ends one of a person; returns what a provider said of them, sealed, if it began there."""
    token: bytes | None = await session.scalar(
        delete(Session)
        .where(Session.id == session_id, Session.user_id == user_id)
        .returning(Session.provider_token)
    )
    return token


async def end_sessions(session: DatabaseSession, user_id: UUID) -> None:
    """All of a person."""
    await session.execute(delete(Session).where(Session.user_id == user_id))


async def end_expired_sessions(session: DatabaseSession, now: datetime) -> None:
    await session.execute(delete(Session).where(Session.expires_at <= now))
    await session.execute(delete(SignInLink).where(SignInLink.expires_at <= now))


@dataclass(frozen=True, slots=True)
class KnownLink:
    user_id: UUID | None
    purpose: str
    expires_at: datetime


async def find_sign_in_link(session: DatabaseSession, token_hash: bytes) -> KnownLink | None:
    row = (
        await session.execute(
            select(SignInLink.user_id, SignInLink.purpose, SignInLink.expires_at).where(
                SignInLink.token_hash == token_hash
            )
        )
    ).one_or_none()
    return None if row is None else KnownLink(**row._mapping)


async def spend_sign_in_link(session: DatabaseSession, token_hash: bytes) -> bool:
    """Whether it was there to be spent: of two who come with it at once, one."""
    spent = await session.scalar(
        delete(SignInLink)
        .where(SignInLink.token_hash == token_hash)
        .returning(SignInLink.token_hash)
    )
    return spent is not None


async def forget_sign_in_links(session: DatabaseSession, user_id: UUID) -> None:
    """All that somebody has been given, whatever for."""
    await session.execute(delete(SignInLink).where(SignInLink.user_id == user_id))


async def set_preferences(
    session: DatabaseSession, user_id: UUID, preferences: dict[str, Any]
) -> None:
    await session.execute(update(User).where(User.id == user_id).values(preferences=preferences))


async def set_password_hash(session: DatabaseSession, user_id: UUID, password_hash: str) -> None:
    await session.execute(
        update(User).where(User.id == user_id).values(password_hash=password_hash)
    )
