"""Invitations: a link with which a person becomes a member of the workspace.

Whoever has the link may accept it, once. A person who has an account already, here or in another
workspace, proves that it is they with their password.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from tocsin.access.api_keys import Principal, create_api_key
from tocsin.access.passwords import hash_password, is_password
from tocsin.access.random_tokens import random_token, token_hash
from tocsin.model import Actor, ActorKind, Fault, Role, Secret, uuid7
from tocsin.resources import recording
from tocsin.resources.errors import InvalidRequest
from tocsin.resources.fields import (
    Id,
    Input,
    JsonObject,
    Name,
    Output,
    Time,
    Timezone,
    Whole,
    example,
    left_out,
)
from tocsin.resources.owned import owned
from tocsin.resources.users import Email, Password, new_membership, new_user
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession, Engine, reading, writing
from tocsin.store.queries import audit_events
from tocsin.store.queries.invitations import (
    count_open_invitations,
    find_invitation,
    lock_invitation,
)
from tocsin.store.queries.link_codes import count_try
from tocsin.store.queries.users import find_member, find_user_by_email, write_user
from tocsin.store.queries.workspaces import read_workspace
from tocsin.store.tables import Invitation, Membership, User

PREFIX = "tsi_"
MOST_OPEN = 500
DAYS = 7
WRONG_PASSWORDS = 5
"""So many may be tried with one invitation."""


class InvitationOut(Output):
    id: Id
    workspace_id: Id
    email: str
    role: Role
    invited_by: Annotated[JsonObject, Field(description="Who made it: kind, name, id")]
    expires_at: Time
    accepted_at: Time | None
    created_at: Time


class InvitationCreated(InvitationOut):
    token: Annotated[str, Field(description="It is never shown again")]
    url: Annotated[str, Field(description="The link to pass on; it holds the token")]


class InvitationIn(Input):
    email: Email
    role: Role = Role.RESPONDER
    expires_in_days: Annotated[int, Field(strict=True, ge=1, le=30), Whole] = DAYS

    model_config = example({"email": "ben@example.org", "role": "responder"})


class AcceptanceIn(Input):
    token: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200)]
    password: Annotated[
        Password,
        Field(description="Of a new account; or the one of the account with this address"),
    ]
    name: Annotated[Name, Field(description="Of a new account")] = left_out()
    timezone: Annotated[Timezone, Field(description="Of a new account")] = "UTC"

    model_config = example(
        {"token": "tsi_example", "name": "Ben", "password": "a long one, please"}
    )


@dataclass(frozen=True, slots=True)
class Joined:
    user: User
    workspace_id: UUID
    role: Role


@dataclass(frozen=True, slots=True)
class NoSuchInvitation:
    """The token is unknown, too old, used, or was tried with too many wrong passwords."""


@dataclass(frozen=True, slots=True)
class WrongPassword:
    """There is an account with this address, and this is not its password."""


AcceptOutcome = Joined | NoSuchInvitation | WrongPassword


def _document(row: Invitation) -> Mapping[str, Any]:
    return InvitationOut.model_validate(row).document()


_KIND = recording.Kind("invitation", _document)


async def create(
    session: DatabaseSession, caller: Principal, body: InvitationIn, now: datetime
) -> tuple[Invitation, Secret]:
    """Makes an invitation; the second value is the only copy of its token.

    Raises:
        NameTaken: a member of the workspace has the address.
        InvalidRequest: too many invitations are open.
    """
    invited = await find_user_by_email(session, body.email)
    if invited is not None and await find_member(session, caller.workspace_id, invited.id):
        raise workspace_rows.NameTaken("member", "email", body.email)
    if await count_open_invitations(session, caller.workspace_id, now) >= MOST_OPEN:
        message = f"at most {MOST_OPEN} invitations are open at a time; delete some"
        raise InvalidRequest([Fault("", "too-many", message)])
    token = random_token(PREFIX)
    row = Invitation(
        id=uuid7(),
        workspace_id=caller.workspace_id,
        email=body.email,
        role=body.role.value,
        token_hash=token_hash(token),
        invited_by=caller.actor.document(),
        expires_at=now + timedelta(days=body.expires_in_days),
        accepted_at=None,
        created_at=now,
    )
    await recording.create(session, caller, _KIND, row, now)
    return row, token


def show_created(row: Invitation, token: Secret, base_url: str) -> InvitationCreated:
    """As it is shown once: with the link to pass on."""
    text = token.reveal_text()
    return InvitationCreated(
        **InvitationOut.model_validate(row).model_dump(),
        token=text,
        url=f"{base_url}/invitations/{text}",
    )


async def revoke(
    session: DatabaseSession, caller: Principal, invitation_id: UUID, now: datetime
) -> None:
    row = await owned(session, Invitation, caller, invitation_id, lock=True)
    await recording.delete(session, caller, _KIND, row, now)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """What whoever has its link may know. `has_account`: its password is asked for, no name."""

    email: str
    workspace_name: str
    has_account: bool


async def look(session: DatabaseSession, token: str, now: datetime) -> OpenInvitation | None:
    """What a link is for; None if it leads nowhere any more."""
    row = await find_invitation(session, token_hash(Secret(token)))
    if row is None or not _is_open(row, now):
        return None
    workspace = await read_workspace(session, row.workspace_id)
    known = await find_user_by_email(session, row.email)
    name = "" if workspace is None else workspace.name
    return OpenInvitation(row.email, name, known is not None)


@dataclass(frozen=True, slots=True)
class Checked:
    """Whoever accepts is who they say. `password_hash` is that of a new account; None: they have one."""

    password_hash: str | None


async def check(
    engine: Engine, body: AcceptanceIn, now: datetime
) -> Checked | NoSuchInvitation | WrongPassword:
    """Looks at the password, in transactions of its own, for that takes a while.

    A try is counted before it is checked, or many at once would each find the count at zero.

    Raises:
        InvalidRequest: a new account needs a name.
    """
    digest = token_hash(Secret(body.token))
    async with reading(engine) as session:
        row = await find_invitation(session, digest)
        if row is None or not _is_open(row, now):
            return NoSuchInvitation()
        known = await find_user_by_email(session, row.email)
    password = Secret(body.password)
    if known is None:
        if body.name is None:
            raise InvalidRequest([Fault("/name", "missing", "a new account needs a name")])
        return Checked(await hash_password(password))
    tries_of = UUID(bytes=digest[:16])
    async with writing(engine) as session:
        tries = await count_try(session, tries_of, row.expires_at, most=WRONG_PASSWORDS + 1)
    if tries > WRONG_PASSWORDS:
        return NoSuchInvitation()
    if not known.is_active or not await is_password(known.password_hash, password):
        return WrongPassword()
    return Checked(None)


async def accept(
    session: DatabaseSession, body: AcceptanceIn, checked: Checked, now: datetime
) -> AcceptOutcome:
    """Makes the member, with an account if there is none."""
    row = await lock_invitation(session, token_hash(Secret(body.token)))
    if row is None or not _is_open(row, now):
        return NoSuchInvitation()
    user = await find_user_by_email(session, row.email)
    if (user is None) != (checked.password_hash is not None):
        # The account was made, or is gone, since the password was looked at.
        return WrongPassword()
    rows: list[User | Membership] = []
    if user is None:
        user = new_user(row.email, body.name, body.timezone, checked.password_hash, now)
        rows.append(user)
    if not await find_member(session, row.workspace_id, user.id):
        rows.append(new_membership(user.id, row.workspace_id, Role(row.role), now))
    await write_user(session, *rows)
    row.accepted_at = now
    await workspace_rows.write(session, row)
    audit_events.record(
        session,
        workspace_id=row.workspace_id,
        actor=Actor(ActorKind.USER, user.name, user.id),
        action="accepted",
        object_type=_KIND.name,
        object_id=row.id,
        now=now,
        after={"user_id": str(user.id), "email": user.email, "role": row.role},
    )
    return Joined(user, row.workspace_id, Role(row.role))


async def first_key(session: DatabaseSession, joined: Joined, now: datetime) -> Secret:
    """Makes an API key of their own for who has joined; this is the only copy of it."""
    user = joined.user
    _, key = await create_api_key(
        session,
        workspace_id=joined.workspace_id,
        name=f"{user.name}, from the invitation",
        role=joined.role,
        actor=Actor(ActorKind.USER, user.name, user.id),
        now=now,
        user_id=user.id,
    )
    return key


def _is_open(row: Invitation, now: datetime) -> bool:
    return row.accepted_at is None and row.expires_at > now
