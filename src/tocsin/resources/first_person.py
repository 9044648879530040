"""The first person of an installation: an admin of every workspace that there is."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from tocsin.model import Actor, ActorKind, Role
from tocsin.resources.users import new_membership, new_user
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events
from tocsin.store.queries.users import write_user
from tocsin.store.queries.workspaces import all_workspace_ids


async def create_first_person(
    session: DatabaseSession, *, email: str, name: str, password_hash: str | None, now: datetime
) -> UUID:
    """Makes them in the session's transaction; whoever asks has made sure that there is nobody yet."""
    person = new_user(email, name, "UTC", password_hash, now)
    places = await all_workspace_ids(session)
    await write_user(
        session, person, *(new_membership(person.id, each, Role.ADMIN, now) for each in places)
    )
    for workspace_id in places:
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
