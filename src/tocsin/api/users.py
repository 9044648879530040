"""People: who is a member of the workspace, how they are reached, and when by what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from tocsin.api.auth import Admin, Viewer
from tocsin.api.contact_methods import answer_code, policy_of, shown_methods
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery
from tocsin.model import Role, utc_now
from tocsin.resources import contact_methods, notification_rules, users
from tocsin.resources.contact_methods import ContactMethodIn, ContactMethodOut
from tocsin.resources.contact_verification import send_code
from tocsin.resources.fields import Id, Text
from tocsin.resources.members import member
from tocsin.resources.notification_rules import NotificationRulesIn, NotificationRulesOut
from tocsin.resources.users import UserIn, UserOut, UserPatch
from tocsin.store.queries.contact_methods import page_of_contact_methods
from tocsin.store.queries.users import page_of_users

router = APIRouter(prefix="/users", tags=["users"], route_class=JsonRoute)


class UserQuery(PageQuery):
    q: Annotated[Text | None, Field(description="Text in the name or the address")] = None
    role: Role | None = None
    is_active: bool | None = None


@router.get("")
async def list_users(
    context: Context, caller: Viewer, query: Annotated[UserQuery, Query()]
) -> Page[UserOut]:
    async with context.reading() as session:
        page = await page_of_users(
            session,
            caller.workspace_id,
            query.request(),
            q=query.q,
            role=query.role,
            is_active=query.is_active,
        )
        items = await users.shown(session, caller.workspace_id, page.rows)
    return Page(items=items, next_cursor=page.next_cursor)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_user(context: Context, caller: Admin, body: UserIn) -> UserOut:
    """Makes a person who is a member of this workspace. Somebody who has an account elsewhere is
    invited instead (POST /invitations). Only whoever runs the installation sets a password."""
    if body.password is not None:
        users.check_may_set_password(caller)
    password_hash = await users.hashed(body.password)
    async with context.configuring() as session:
        user = await users.create(session, caller, body, password_hash, utc_now())
        (made,) = await users.shown(session, caller.workspace_id, [user])
    return made


@router.get("/{user_id:uuid}")
async def get_user(context: Context, caller: Viewer, user_id: Id) -> UserOut:
    async with context.reading() as session:
        found = await member(session, caller, user_id)
        (user,) = await users.shown(session, caller.workspace_id, [found.user])
    return user


@router.patch("/{user_id:uuid}", responses=problems("forbidden", "name-taken"))
async def update_user(context: Context, caller: Viewer, user_id: Id, body: UserPatch) -> UserOut:
    """Everybody changes their own name, timezone and quiet hours; admins all of it. Of somebody who
    is a member of other workspaces, too, they change the role only."""
    if body.password is not None:
        users.check_may_set_password(caller)
    password_hash = await users.hashed(body.password)
    async with context.configuring() as session:
        user = await users.update(session, caller, user_id, body, password_hash, utc_now())
        (changed,) = await users.shown(session, caller.workspace_id, [user])
    return changed


@router.delete("/{user_id:uuid}", status_code=204)
async def delete_user(context: Context, caller: Admin, user_id: Id) -> Response:
    """Takes somebody out of the workspace, with their contact methods and keys here; they are paged no
    more. Somebody who is in no other workspace is deleted."""
    async with context.configuring() as session:
        await users.remove(session, caller, user_id, utc_now())
    return Response(status_code=204)


@router.get("/{user_id:uuid}/contact-methods")
async def list_contact_methods(
    context: Context, caller: Viewer, user_id: Id, query: Annotated[PageQuery, Query()]
) -> Page[ContactMethodOut]:
    """Its owner sees each in full, everybody else masked."""
    async with context.reading() as session:
        await member(session, caller, user_id)
        page = await page_of_contact_methods(session, caller.workspace_id, user_id, query.request())
        items = await shown_methods(session, caller, page.rows)
    return Page(items=items, next_cursor=page.next_cursor)


@router.post(
    "/{user_id:uuid}/contact-methods",
    status_code=201,
    responses=problems("forbidden", "code-rate-limited"),
)
async def create_contact_method(
    context: Context, caller: Viewer, user_id: Id, body: ContactMethodIn
) -> ContactMethodOut:
    """Adds one, and sends a code to it. It is not paged until its owner has entered the code."""
    now = utc_now()
    async with context.configuring() as session:
        row = await contact_methods.create(
            session, context.vault, policy_of(context), caller, user_id, body, now
        )
        answer_code(await send_code(session, context.codes, caller, row.id, now))
        (made,) = await shown_methods(session, caller, [row])
    return made


@router.get("/{user_id:uuid}/notification-rules")
async def get_notification_rules(
    context: Context, caller: Viewer, user_id: Id
) -> NotificationRulesOut:
    async with context.reading() as session:
        return notification_rules.shown(await notification_rules.read(session, caller, user_id))


@router.put("/{user_id:uuid}/notification-rules", responses=problems("forbidden"))
async def replace_notification_rules(
    context: Context, caller: Viewer, user_id: Id, body: NotificationRulesIn
) -> NotificationRulesOut:
    """The whole list: by which contact method this person is paged, how soon. Where an urgency has no
    rule, all verified contact methods are paged at once."""
    async with context.configuring() as session:
        rows = await notification_rules.replace(session, caller, user_id, body, utc_now())
        return notification_rules.shown(rows)
