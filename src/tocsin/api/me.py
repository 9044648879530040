"""Who is asking: the person whose key it is, and what of themselves they change."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from tocsin.access.api_keys import Principal
from tocsin.api.auth import Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.problem_answers import ApiProblem
from tocsin.model import Role, utc_now
from tocsin.resources import users
from tocsin.resources.fields import Id, Output
from tocsin.resources.members import member
from tocsin.resources.users import MePatch, UserOut
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.workspaces import read_workspace

router = APIRouter(prefix="/me", tags=["me"], route_class=JsonRoute)


class WorkspaceNames(Output):
    id: Id
    slug: str
    name: str


class MeOut(Output):
    user: Annotated[
        UserOut | None, Field(description="Null: the key is the workspace's, not a person's own")
    ]
    workspace: WorkspaceNames
    role: Annotated[Role, Field(description="What this key may do")]


async def _shown(session: DatabaseSession, caller: Principal) -> MeOut:
    workspace = await read_workspace(session, caller.workspace_id)
    user = None
    if caller.user_id is not None:
        found = await member(session, caller, caller.user_id)
        (user,) = await users.shown(session, caller.workspace_id, [found.user])
    return MeOut(user=user, workspace=WorkspaceNames.model_validate(workspace), role=caller.role)


@router.get("")
async def get_me(context: Context, caller: Viewer) -> MeOut:
    async with context.reading() as session:
        return await _shown(session, caller)


@router.patch("", responses=problems("forbidden", "wrong-password"))
async def update_me(context: Context, caller: Viewer, body: MePatch) -> MeOut:
    """Changes name, timezone, quiet hours or password of the person whose key it is. A new password
    takes the current one, if there is one, and ends all their sessions."""
    user_id = caller.user_id
    if user_id is None:
        raise ApiProblem("forbidden", "This takes an API key of a person's own.")
    if body.password is not None:
        async with context.reading() as session:
            stored = (await member(session, caller, user_id)).user.password_hash
        if not await users.may_replace_password(stored, body.current_password):
            raise ApiProblem("wrong-password", "`current_password` is not the current password.")
    password_hash = await users.hashed(body.password)
    async with context.configuring() as session:
        await users.update(session, caller, user_id, body.changes(), password_hash, utc_now())
        return await _shown(session, caller)
