"""API keys: made once, shown once, kept as a hash.

Its first twelve characters are kept in clear, for people to tell keys apart. A key is one of the
workspace, or somebody's own: that speaks for its person, and may do no more than they may.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.access.random_tokens import random_token, token_hash
from tocsin.model import Actor, ActorKind, Role, Secret, iso, optional_iso, uuid7
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events
from tocsin.store.queries.api_keys import find_key_by_hash, note_use_of_key
from tocsin.store.tables import ApiKey

PREFIX = "tsn_"
SHOWN_CHARACTERS = 12
_LAST_USE_STEP = timedelta(minutes=1)
"""`last_used_at` is this coarse, so that a busy key does not cost a write per request."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from, and what they may do in which workspace. `name` is that of the
    person whose key it is (`user_id`), else that of the key."""

    key_id: UUID
    name: str
    workspace_id: UUID
    role: Role
    user_id: UUID | None = None

    @property
    def actor(self) -> Actor:
        if self.user_id is not None:
            return Actor(ActorKind.USER, self.name, self.user_id)
        return Actor(ActorKind.API_KEY, self.name, self.key_id)

    @property
    def is_operator(self) -> bool:
        """Whether they run this installation, and so may stand in for anybody in it."""
        return False

    def speaks_for(self, user_id: UUID) -> bool:
        return self.is_operator or self.user_id == user_id


def new_key() -> Secret:
    return random_token(PREFIX)


async def create_api_key(
    session: DatabaseSession,
    *,
    workspace_id: UUID,
    name: str,
    role: Role,
    actor: Actor,
    now: datetime,
    expires_at: datetime | None = None,
    user_id: UUID | None = None,
) -> tuple[ApiKey, Secret]:
    """Makes a key in the session's transaction; the second value is the only copy of it. With
    `user_id`, a member of the workspace, it is that person's own."""
    key = new_key()
    row = ApiKey(
        id=uuid7(),
        workspace_id=workspace_id,
        name=name,
        prefix=key.reveal_text()[:SHOWN_CHARACTERS],
        key_hash=token_hash(key),
        role=role.value,
        expires_at=expires_at,
        last_used_at=None,
        user_id=user_id,
        created_at=now,
    )
    await workspace_rows.add(session, row)
    audit_events.record(
        session,
        workspace_id=workspace_id,
        actor=actor,
        action="created",
        object_type="api_key",
        object_id=row.id,
        now=now,
        after={
            "id": str(row.id),
            "workspace_id": str(workspace_id),
            "name": name,
            "prefix": row.prefix,
            "role": role.value,
            "user_id": None if user_id is None else str(user_id),
            "expires_at": optional_iso(expires_at),
            "created_at": iso(now),
        },
    )
    return row, key


async def authenticate(session: DatabaseSession, key: Secret, now: datetime) -> Principal | None:
    """Whose key it is; None if it is unknown, revoked or expired, or of somebody who is disabled or no
    member. Notes the use of a live one.

    It asks the database each time: a revoked key stops working at once, on every node.
    """
    digest = token_hash(key)
    row = await find_key_by_hash(session, digest)
    if row is None or not hmac.compare_digest(row.key_hash, digest):
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    role = Role(row.role)
    if row.user_id is not None:
        if row.member_role is None:
            return None
        role = min(role, Role(row.member_role), key=list(Role).index)
    if row.last_used_at is None or row.last_used_at <= now - _LAST_USE_STEP:
        await note_use_of_key(session, row.id, now, unless_after=now - _LAST_USE_STEP)
    return Principal(row.id, row.user_name or row.name, row.workspace_id, role, row.user_id)
