"""For admins: people and invitations, API keys, and who changed what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import Role
from tocsin.resources import api_keys, invitations, users
from tocsin.resources.api_keys import ApiKeyIn
from tocsin.resources.invitations import InvitationIn
from tocsin.resources.users import UserPatch
from tocsin.store.paging import PageRequest
from tocsin.store.queries.api_keys import page_of_api_keys
from tocsin.store.queries.audit_events import page_of_audit_events
from tocsin.store.queries.invitations import page_of_invitations
from tocsin.store.queries.users import page_of_users

_AUDIT_ROWS = 30
_Shape = TypeVar("_Shape", InvitationIn, ApiKeyIn)


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/admin", opened(context, _admin, role=Role.ADMIN), methods=["GET", "POST"]),
    ]


async def _admin(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/", "Only admins see that page.")
    if call.request.method == "GET":
        return await _show(call, {}, {}, None)
    form = await call.form()
    act = form.get("act", "")
    if act == "invite":
        return await _made(call, form, InvitationIn, "email", _create_invitation, "The invitation")
    if act == "make-key":
        return await _made(call, form, ApiKeyIn, "name", _create_key, "The API key")
    try:
        object_id = UUID(form.get("id", ""))
    except ValueError:
        return go("/admin")
    match act:
        case "revoke-key":
            saved = await forms.save(_revoke_key(call, object_id))
        case "revoke-invitation":
            saved = await forms.save(_revoke_invitation(call, object_id))
        case "role":
            saved = await forms.save(_set_role(call, object_id, form.get("role", "")))
        case "remove":
            saved = await forms.save(_remove(call, object_id))
        case _:
            return go("/admin")
    return go("/admin", "Done." if saved.made else forms.first(saved.faults))


async def _made(
    call: Call,
    form: Mapping[str, str],
    shape: type[_Shape],
    name: str,
    create: Callable[[Call, _Shape], Awaitable[str]],
    shown: str,
) -> Response:
    """Something of a name and a role, with a secret that is shown this once."""
    entered = forms.read(shape, {name: form.get(name, "").strip(), "role": form.get("role", "")})
    if entered.body is None:
        return await _show(call, form, entered.faults, None)
    saved = await forms.save(create(call, entered.body))
    if saved.made is None:
        return await _show(call, form, saved.faults, None)
    return await _show(call, {}, {}, (f"{shown}, shown this once", saved.made))


async def _create_invitation(call: Call, body: InvitationIn) -> str:
    async with call.context.writing() as session:
        row, token = await invitations.create(session, call.visitor.principal, body, call.now)
    return invitations.show_created(row, token, call.context.settings.base_url).url


async def _create_key(call: Call, body: ApiKeyIn) -> str:
    async with call.context.writing() as session:
        made = await api_keys.create(session, call.visitor.principal, body, call.now)
    return made.key


async def _revoke_key(call: Call, key_id: UUID) -> bool:
    async with call.context.writing() as session:
        await api_keys.revoke(session, call.visitor.principal, key_id, call.now)
    return True


async def _revoke_invitation(call: Call, invitation_id: UUID) -> bool:
    async with call.context.writing() as session:
        await invitations.revoke(session, call.visitor.principal, invitation_id, call.now)
    return True


async def _set_role(call: Call, user_id: UUID, role: str) -> bool:
    body = forms.read(UserPatch, {"role": role}).body
    if body is None:
        return False
    async with call.context.configuring() as session:
        await users.update(session, call.visitor.principal, user_id, body, None, call.now)
    return True


async def _remove(call: Call, user_id: UUID) -> bool:
    async with call.context.configuring() as session:
        await users.remove(session, call.visitor.principal, user_id, call.now)
    return True


async def _show(
    call: Call,
    values: Mapping[str, str],
    faults: Mapping[str, str],
    secret: tuple[str, str] | None,
) -> Response:
    workspace_id = call.visitor.workspace_id
    async with call.context.reading() as session:
        found = await page_of_users(
            session, workspace_id, PageRequest(200), q=None, role=None, is_active=None
        )
        people = await users.shown(session, workspace_id, found.rows)
        invited = await page_of_invitations(session, workspace_id, PageRequest(100))
        keys = await page_of_api_keys(session, workspace_id, PageRequest(100))
        audit = await page_of_audit_events(
            session,
            workspace_id,
            PageRequest(_AUDIT_ROWS),
            object_type=None,
            object_id=None,
            action=None,
            since=None,
            until=None,
        )
    open_ones: list[Any] = [
        each for each in invited.rows if each.accepted_at is None and each.expires_at > call.now
    ]
    return page(
        "admin.html",
        call.frame("admin"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        people=sorted(people, key=lambda each: each.name.lower()),
        invited=open_ones,
        keys=keys.rows,
        audit=audit.rows,
        roles=[each.value for each in Role],
        values={
            "email": values.get("email", ""),
            "invited_as": values.get("role" if "email" in values else "", Role.RESPONDER.value),
            "name": values.get("name", ""),
            "key_role": values.get("role" if "name" in values else "", Role.VIEWER.value),
        },
        faults=faults,
        secret=secret,
    )
