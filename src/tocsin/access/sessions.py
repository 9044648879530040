"""Sessions: who a browser is, made at sign-in, kept as a hash, ended by anybody who may.

A session's token is 256 random bits in a cookie that scripts cannot read. The token of its forms is
derived from it, so that a page of somebody else's cannot send one: it can make the browser send the
cookie, and cannot know what to put into the form.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from tocsin.access import tries
from tocsin.access.api_keys import Principal
from tocsin.access.passwords import is_password
from tocsin.access.random_tokens import random_token, token_hash
from tocsin.model import Actor, Role, Secret, uuid7
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import sessions as stored
from tocsin.store.queries.sessions import KnownPerson, MemberOf
from tocsin.store.tables import Session, SignInLink

SESSION_LASTS = timedelta(days=30)
IDLE_ENDS_AFTER = timedelta(days=14)
LINK_LASTS = timedelta(hours=24)
SESSION_PREFIX = "tss_"
LINK_PREFIX = "tsl_"
_USE_STEP = timedelta(minutes=5)
"""`last_used_at` is this coarse, so that reading pages does not write."""
_TRIES_LAST = timedelta(minutes=15)
_TRIES = {"address and caller": 10, "address": 100, "caller": 200}
"""Few for one caller at one address; more for an address, or anybody could lock its person out; more
for a caller, who may be a proxy that many sit behind."""


class LinkPurpose(StrEnum):
    SIGN_IN = "sign_in"
    SET_UP = "set_up"
    NEW_PASSWORD = "new_password"  # noqa: S105 - a purpose


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the console, and what they may do in which workspace."""

    session_id: UUID
    user_id: UUID
    name: str
    email: str
    timezone: str
    preferences: dict[str, Any]
    csrf_token: str
    workspace_id: UUID
    workspace_name: str
    role: Role
    places: tuple[MemberOf, ...]
    has_tenants: bool
    """Whether the workspace has tenants besides the one that it was made with."""

    @property
    def principal(self) -> Principal:
        """As whom they ask for what an API key could ask for, too."""
        return Principal(
            self.session_id, self.name, self.workspace_id, self.role, user_id=self.user_id
        )

    @property
    def actor(self) -> Actor:
        return self.principal.actor


def csrf_token(token: Secret) -> str:
    return hmac.new(token.reveal(), b"tocsin form", hashlib.sha256).hexdigest()


async def find_visitor(session: DatabaseSession, token: Secret, now: datetime) -> Visitor | None:
    """Whose session it is; None if it is unknown, over, or its person has nowhere to go. Notes its use.

    It asks the database each time: a session that is ended stops working at once, on every node.
    """
    known = await stored.find_session(session, token_hash(token))
    if known is None or known.expires_at <= now:
        return None
    if known.last_used_at is not None and known.last_used_at <= now - IDLE_ENDS_AFTER:
        return None
    places = await stored.places_of(session, known.user_id)
    if not places:
        return None
    if known.last_used_at is None or known.last_used_at <= now - _USE_STEP:
        await stored.note_use_of_session(session, known.id, now)
        await session.commit()
    here = next((each for each in places if each.workspace_id == known.workspace_id), places[0])
    return Visitor(
        session_id=known.id,
        user_id=known.user_id,
        name=known.name,
        email=known.email,
        timezone=known.timezone,
        preferences=known.preferences,
        csrf_token=csrf_token(token),
        workspace_id=here.workspace_id,
        workspace_name=here.name,
        role=here.role,
        places=tuple(places),
        has_tenants=here.has_tenants,
    )


async def begin_session(
    session: DatabaseSession,
    user_id: UUID,
    browser: str,
    now: datetime,
    *,
    provider_token: bytes | None = None,
) -> Secret:
    """Makes one in the session's transaction; returns the only copy of its token. `provider_token`,
    sealed, is what a provider said of its person."""
    token = random_token(SESSION_PREFIX)
    await stored.end_expired_sessions(session, now)
    session.add(
        Session(
            id=uuid7(),
            user_id=user_id,
            token_hash=token_hash(token),
            last_used_at=now,
            expires_at=now + SESSION_LASTS,
            browser=browser[:200],
            provider_token=provider_token,
            created_at=now,
        )
    )
    await session.flush()
    return token


@dataclass(frozen=True, slots=True)
class TooManyTries:
    """Somebody has tried this address too often recently."""


async def check_password(
    session: DatabaseSession, email: str, password: Secret, caller: str, now: datetime
) -> KnownPerson | TooManyTries | None:
    """Who signs in; None: the address or the password is wrong, and nothing says which. Tries are
    counted over all nodes, by address and by `caller`, where the request comes from; the count must
    be committed whatever comes of it."""
    address = email.lower()
    values = {
        "address and caller": f"{address} {caller}",
        "address": address,
        "caller": caller,
    }
    counted = {kind: f"sign-in {kind} {value}" for kind, value in values.items()}
    for kind, what in counted.items():
        if await tries.is_one_too_many(session, what, now + _TRIES_LAST, _TRIES[kind]):
            return TooManyTries()
    person = await stored.find_person(session, email)
    right = await is_password(None if person is None else person.password_hash, password)
    if person is None or not right:
        return None
    for what in counted.values():
        await tries.forget(session, what)
    return person


async def make_sign_in_link(
    session: DatabaseSession,
    purpose: LinkPurpose,
    user_id: UUID | None,
    now: datetime,
    *,
    lasts: timedelta = LINK_LASTS,
) -> Secret:
    """Makes one in the session's transaction; returns the only copy of its token."""
    token = random_token(LINK_PREFIX)
    session.add(
        SignInLink(
            token_hash=token_hash(token),
            user_id=user_id,
            purpose=purpose.value,
            expires_at=now + lasts,
        )
    )
    await session.flush()
    return token


@dataclass(frozen=True, slots=True)
class UsableLink:
    purpose: LinkPurpose
    user_id: UUID | None


async def read_sign_in_link(
    session: DatabaseSession, token: Secret, now: datetime
) -> UsableLink | None:
    """What it is for; None if it is unknown, spent or expired. It is not spent by reading it."""
    link = await stored.find_sign_in_link(session, token_hash(token))
    if link is None or link.expires_at <= now:
        return None
    return UsableLink(LinkPurpose(link.purpose), link.user_id)


async def spend_sign_in_link(session: DatabaseSession, token: Secret) -> bool:
    """Whether this caller is the one who spends it."""
    return await stored.spend_sign_in_link(session, token_hash(token))
