"""Links that sign somebody in once: for somebody who forgot a password, or never had one.

Whoever has such a link is that person, so only who runs the installation makes one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.access.sessions import LINK_LASTS, LinkPurpose, make_sign_in_link
from tocsin.model import Actor, ActorKind, Secret
from tocsin.resources import recording
from tocsin.resources.errors import NotPermitted
from tocsin.resources.fields import Flag, Id, Input, Output, Time, example
from tocsin.resources.members import require_member
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events
from tocsin.store.queries.sessions import (
    end_sessions,
    forget_sign_in_links,
    is_anybody_there,
    places_of,
    set_password_hash,
)
from tocsin.store.tables import User


class SignInLinkIn(Input):
    user_id: Annotated[
        Id | None,
        Field(description="Null: the first account is made with it; only while there is none"),
    ] = None
    new_password: Annotated[Flag, Field(description="Whether a new password is to be chosen")] = (
        False
    )

    model_config = example({"new_password": True})


class SignInLinkCreated(Output):
    url: Annotated[str, Field(description="It works once, and is never shown again")]
    expires_at: Time


async def create(
    session: DatabaseSession, caller: Principal, body: SignInLinkIn, now: datetime
) -> tuple[Secret, datetime]:
    """Makes one; the token, and until when it works.

    Raises:
        NotPermitted: the caller does not run this installation, or nobody is named and somebody can
            sign in already.
        MissingReference: there is no such member.
    """
    if not caller.is_operator:
        raise NotPermitted(
            "Whoever has such a link is that person; `tocsin user sign-in-link` on the server makes one."
        )
    purpose = LinkPurpose.NEW_PASSWORD if body.new_password else LinkPurpose.SIGN_IN
    if body.user_id is not None:
        await require_member(session, caller, body.user_id, "/user_id")
    elif await is_anybody_there(session):
        raise NotPermitted("Somebody can sign in already; say whom the link is for.")
    else:
        purpose = LinkPurpose.SET_UP
    token = await make_sign_in_link(session, purpose, body.user_id, now)
    recording.record(
        session,
        caller,
        "created",
        "sign_in_link",
        body.user_id,
        now,
        after={"purpose": purpose.value},
    )
    return token, now + LINK_LASTS


async def replace_password(
    session: DatabaseSession, user_id: UUID, password_hash: str, now: datetime
) -> None:
    """Sets the password that was chosen by a link; all sessions of its person end, and all links of
    theirs."""
    await set_password_hash(session, user_id, password_hash)
    await end_sessions(session, user_id)
    await forget_sign_in_links(session, user_id)
    person = await session.get_one(User, user_id)
    for place in await places_of(session, user_id):
        audit_events.record(
            session,
            workspace_id=place.workspace_id,
            actor=Actor(ActorKind.USER, person.name, user_id),
            action="updated",
            object_type="user",
            object_id=user_id,
            now=now,
            after={"password": "changed", "by": "a link that signs in once"},
        )
