"""The first person of an installation: an admin of every workspace that there is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tocsin.model import Actor, ActorKind, Role, uuid7
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events
from tocsin.store.queries.workspaces import all_workspace_ids
from tocsin.store.tables import Membership, User


async def create_first_person(
    session: DatabaseSession, *, email: str, name: str, password_hash: str | None, now: datetime
) -> UUID:
    """Makes them in the session's transaction; whoever asks has made sure that there is nobody yet."""
    person = User(
        id=uuid7(),
        email=email,
        name=name,
        password_hash=password_hash,
        created_at=now,
        updated_at=now,
    )
    session.add(person)
    await session.flush()
    for workspace_id in await all_workspace_ids(session):
        session.add(Membership(user_id=person.id, workspace_id=workspace_id, role=Role.ADMIN.value))
        audit_events.record(
            session,
            workspace_id=workspace_id,
            actor=Actor(ActorKind.USER, name, person.id),
            action="created",
            object_type="user",
            object_id=person.id,
            now=now,
            after={"email": email, "name": name, "role": Role.ADMIN.value},
        )
    await session.flush()
    return person.id
