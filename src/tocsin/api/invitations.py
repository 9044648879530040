"""Invitations: made (the link is shown this once), listed, revoked; and accepted, which needs no key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from tocsin.api.auth import Admin
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.me import WorkspaceNames
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.api.problem_answers import ApiProblem
from tocsin.model import utc_now
from tocsin.resources import invitations, users
from tocsin.resources.fields import Id, Output
from tocsin.resources.invitations import (
    AcceptanceIn,
    Checked,
    InvitationCreated,
    InvitationIn,
    InvitationOut,
    Joined,
    NoSuchInvitation,
)
from tocsin.resources.owned import owned
from tocsin.resources.users import UserOut
from tocsin.store.queries.invitations import page_of_invitations
from tocsin.store.queries.workspaces import read_workspace
from tocsin.store.tables import Invitation

router = APIRouter(prefix="/invitations", tags=["invitations"], route_class=JsonRoute)

ACCEPT = "/invitations/accept"


class InvitationAccepted(Output):
    user: UserOut
    workspace: WorkspaceNames
    api_key: Annotated[
        str, Field(description="An API key of this person's own; it is never shown again")
    ]


@router.get("")
async def list_invitations(
    context: Context, caller: Admin, query: Annotated[PageQuery, Query()]
) -> Page[InvitationOut]:
    """Those that are open or were accepted; expired ones are not listed."""
    async with context.reading() as session:
        page = await page_of_invitations(session, caller.workspace_id, query.request())
    return shown(page, InvitationOut.model_validate)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_invitation(
    context: Context, caller: Admin, body: InvitationIn
) -> InvitationCreated:
    """Makes a link to pass on. Whoever has it becomes a member, once."""
    async with context.writing() as session:
        row, token = await invitations.create(session, caller, body, utc_now())
    return invitations.show_created(row, token, context.settings.base_url)


@router.post("/accept", responses=problems("not-found", "wrong-password", "name-taken"))
async def accept_invitation(context: Context, body: AcceptanceIn) -> InvitationAccepted:
    """Makes the person who was invited a member. It needs no key; the token is the proof. Where there
    is an account with this address, its password is asked for."""
    now = utc_now()
    outcome = await invitations.check(context.engine, body, now)
    if isinstance(outcome, Checked):
        async with context.configuring() as session:
            accepted = await invitations.accept(session, body, outcome, now)
            if isinstance(accepted, Joined):
                workspace = await read_workspace(session, accepted.workspace_id)
                (user,) = await users.shown(session, accepted.workspace_id, [accepted.user])
                return InvitationAccepted(
                    user=user,
                    workspace=WorkspaceNames.model_validate(workspace),
                    api_key=(await invitations.first_key(session, accepted, now)).reveal_text(),
                )
            outcome = accepted
    if isinstance(outcome, NoSuchInvitation):
        raise ApiProblem("not-found", "This invitation is unknown, has expired or was used.")
    raise ApiProblem(
        "wrong-password", "There is an account with this address, and this is not its password."
    )


@router.get("/{invitation_id:uuid}")
async def get_invitation(context: Context, caller: Admin, invitation_id: Id) -> InvitationOut:
    async with context.reading() as session:
        return InvitationOut.model_validate(await owned(session, Invitation, caller, invitation_id))


@router.delete("/{invitation_id:uuid}", status_code=204)
async def revoke_invitation(context: Context, caller: Admin, invitation_id: Id) -> Response:
    """Its link stops working at once."""
    async with context.writing() as session:
        await invitations.revoke(session, caller, invitation_id, utc_now())
    return Response(status_code=204)
