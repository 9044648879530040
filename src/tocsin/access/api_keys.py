"""API keys: made once, shown once, kept as a hash.

A key is `tsn_` and 256 random bits in base 62, so a fast hash (SHA-256) is enough to keep: there is
nothing to guess. Its first twelve characters are kept in clear, for people to tell keys apart.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tocsin.model import Actor, ActorKind, Role, Secret, iso, optional_iso, uuid7
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events
from tocsin.store.queries.api_keys import find_key_by_hash, note_use_of_key
from tocsin.store.tables import ApiKey

PREFIX = "tsn_"
SHOWN_CHARACTERS = 12
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_DIGITS = 43
"""The least n with 62**n > 2**256."""
_LAST_USE_STEP = timedelta(minutes=1)
"""`last_used_at` is this coarse, so that a busy key does not cost a write per request."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request comes from, and what they may do in which workspace."""

    key_id: UUID
    name: str
    workspace_id: UUID
    role: Role

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind.API_KEY, self.name, self.key_id)


def new_key() -> Secret:
    number = secrets.randbits(256)
    digits = []
    for _ in range(_DIGITS):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return Secret(PREFIX + "".join(reversed(digits)))


def key_hash(key: Secret) -> bytes:
    return hashlib.sha256(key.reveal()).digest()


async def create_api_key(
    session: DatabaseSession,
    *,
    workspace_id: UUID,
    name: str,
    role: Role,
    actor: Actor,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, Secret]:
    """Makes a key in the session's transaction; the second value is the only copy of it."""
    key = new_key()
    row = ApiKey(
        id=uuid7(),
        workspace_id=workspace_id,
        name=name,
        prefix=key.reveal_text()[:SHOWN_CHARACTERS],
        key_hash=key_hash(key),
        role=role.value,
        expires_at=expires_at,
        last_used_at=None,
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
            "expires_at": optional_iso(expires_at),
            "created_at": iso(now),
        },
    )
    return row, key


async def authenticate(session: DatabaseSession, key: Secret, now: datetime) -> Principal | None:
    """Whose key it is; None if it is unknown, revoked or expired. Notes the use of a live one.

    It asks the database each time: a revoked key stops working at once, on every node.
    """
    digest = key_hash(key)
    row = await find_key_by_hash(session, digest)
    if row is None or not hmac.compare_digest(row.key_hash, digest):
        return None
    if row.expires_at is not None and row.expires_at <= now:
        return None
    if row.last_used_at is None or row.last_used_at <= now - _LAST_USE_STEP:
        await note_use_of_key(session, row.id, now, unless_after=now - _LAST_USE_STEP)
    return Principal(row.id, row.name, row.workspace_id, Role(row.role))
