"""API keys: made (the key is shown this once) and revoked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal, create_api_key
from tocsin.model import Role
from tocsin.resources import recording
from tocsin.resources.errors import NotInWorkspace, NotPermitted
from tocsin.resources.fields import Id, Input, Name, Output, Time, example
from tocsin.resources.members import require_member
from tocsin.resources.owned import owned
from tocsin.store.database import DatabaseSession
from tocsin.store.tables import ApiKey


class ApiKeyOut(Output):
    id: Id
    workspace_id: Id
    name: str
    prefix: Annotated[str, Field(description="The first characters of the key")]
    role: Role
    user_id: Annotated[
        Id | None, Field(description="Whose own key it is; null: a key of the workspace")
    ]
    expires_at: Time | None
    last_used_at: Annotated[Time | None, Field(description="To the minute")]
    created_at: Time


class ApiKeyCreated(ApiKeyOut):
    key: Annotated[str, Field(description="The whole key; it is never shown again")]


class ApiKeyIn(Input):
    name: Name
    role: Annotated[
        Role, Field(description="What it may do; a personal key never more than its person")
    ]
    expires_at: Time | None = None
    user_id: Annotated[
        Id | None,
        Field(
            description="Makes it the caller's own: it acts for its person, sees their contact "
            "methods in full and enters their codes. Only they, and whoever runs the installation, "
            "make one"
        ),
    ] = None

    model_config = example({"name": "ci", "role": "viewer", "expires_at": "2036-01-01T00:00:00Z"})


class OwnApiKeyIn(Input):
    name: Name
    role: Annotated[
        Role | None, Field(description="Null: that of the key which asks, and never a higher one")
    ] = None
    expires_at: Time | None = None

    model_config = example({"name": "laptop", "expires_at": "2036-01-01T00:00:00Z"})


def _document(row: ApiKey) -> Mapping[str, Any]:
    return ApiKeyOut.model_validate(row).document()


_KIND = recording.Kind("api_key", _document)


async def create(
    session: DatabaseSession, caller: Principal, body: ApiKeyIn, now: datetime
) -> ApiKeyCreated:
    """Makes a key of the caller's workspace. An expiry in the past makes one that never works.

    Raises:
        MissingReference: there is no such user.
        NotPermitted: it would be somebody else's own.
    """
    if body.user_id is not None:
        await require_member(session, caller, body.user_id, "/user_id")
        if not caller.speaks_for(body.user_id):
            raise NotPermitted("Only they themselves make a key that speaks for them.")
    row, key = await create_api_key(
        session,
        workspace_id=caller.workspace_id,
        name=body.name,
        role=body.role,
        actor=caller.actor,
        now=now,
        expires_at=body.expires_at,
        user_id=body.user_id,
    )
    shown = ApiKeyOut.model_validate(row)
    return ApiKeyCreated(**shown.model_dump(by_alias=False), key=key.reveal_text())


async def revoke(
    session: DatabaseSession, caller: Principal, api_key_id: UUID, now: datetime
) -> None:
    row = await owned(session, ApiKey, caller, api_key_id, lock=True)
    await recording.delete(session, caller, _KIND, row, now)


async def create_own(
    session: DatabaseSession, caller: Principal, body: OwnApiKeyIn, now: datetime
) -> ApiKeyCreated:
    """Makes a key of the caller's own.

    Raises:
        NotPermitted: it would do more than the caller may; or they are no person.
    """
    if caller.user_id is None:
        raise NotPermitted("Only a person has keys of their own.")
    role = body.role or caller.role
    if not caller.role.includes(role):
        raise NotPermitted(
            f"You have the role {caller.role.value} here; a key of yours has no more."
        )
    whole = ApiKeyIn.model_construct(
        name=body.name, role=role, expires_at=body.expires_at, user_id=caller.user_id
    )
    return await create(session, caller, whole, now)


async def revoke_own(
    session: DatabaseSession, caller: Principal, api_key_id: UUID, now: datetime
) -> None:
    """Revokes a key of the caller's own.

    Raises:
        NotInWorkspace: it is not theirs.
    """
    row = await owned(session, ApiKey, caller, api_key_id, lock=True)
    if row.user_id is None or row.user_id != caller.user_id:
        raise NotInWorkspace("API key")
    await recording.delete(session, caller, _KIND, row, now)
