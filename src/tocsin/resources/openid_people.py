"""Who signs in by OpenID Connect: matched by the address that the provider has verified, or made, with
the roles that their groups give.

Where the operator has said which group has which role, that is the truth of the workspaces it names: at
each sign-in the role there follows, also down and out. Elsewhere roles are given by hand, and stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

import structlog

from tocsin.access.api_keys import Principal
from tocsin.access.group_roles import given_roles
from tocsin.access.openid import Identity, NotSignedIn
from tocsin.model import Actor, ActorKind, Role
from tocsin.resources import users
from tocsin.settings import GroupRole
from tocsin.store.database import DatabaseSession
from tocsin.store.queries import audit_events
from tocsin.store.queries.sessions import places_of
from tocsin.store.queries.users import find_member, find_user_by_email, write_user
from tocsin.store.queries.workspaces import find_workspace
from tocsin.store.tables import Membership, User

log = structlog.get_logger(__name__)

_MEANS = "OpenID Connect"


@dataclass(frozen=True, slots=True)
class Admitted:
    user_id: UUID


async def admit(
    session: DatabaseSession, identity: Identity, entries: Sequence[GroupRole], now: datetime
) -> Admitted | NotSignedIn:
    """Lets somebody in, with what their groups give them; in the session's transaction.

    Who has been given nothing is not let in, and nothing of theirs is changed.
    """
    given = given_roles(entries, identity.groups)
    user = await find_user_by_email(session, identity.email)
    if user is not None and not user.is_active:
        return NotSignedIn("Your account here is disabled. An admin can enable it.", "disabled")
    roles = await _by_workspace(session, given.roles)
    stays = user is not None and await _has_a_place_besides(session, user.id, roles)
    if not stays and not any(roles.values()):
        return _nowhere(identity)
    if user is None:
        user = _new(identity, now)
        await write_user(session, user)
    for workspace_id, role in roles.items():
        await _put(session, user, workspace_id, role, now, knows=identity.groups is not None)
    return Admitted(user.id)


def _nowhere(identity: Identity) -> NotSignedIn:
    groups = "none said" if identity.groups is None else f"{len(identity.groups)} groups"
    return NotSignedIn(
        "You are known to the provider, and have no role here. Ask an admin to invite you, or to have "
        "you put into a group that has one.",
        f"no membership, and no role by TOCSIN_OIDC_ROLES ({groups})",
    )


async def _by_workspace(
    session: DatabaseSession, roles: Mapping[str, Role | None]
) -> dict[UUID, Role | None]:
    found: dict[UUID, Role | None] = {}
    for slug, role in roles.items():
        workspace = await find_workspace(session, slug)
        if workspace is None:
            log.warning(
                "single sign-on names a workspace that does not exist",
                setting="TOCSIN_OIDC_ROLES",
                workspace=slug,
            )
        else:
            found[workspace.id] = role
    return found


async def _has_a_place_besides(
    session: DatabaseSession, user_id: UUID, roles: Mapping[UUID, Role | None]
) -> bool:
    """Whether they are a member of a workspace in which the provider has no say."""
    places = await places_of(session, user_id)
    return any(place.workspace_id not in roles for place in places)


def _new(identity: Identity, now: datetime) -> User:
    zone = identity.timezone if identity.timezone in available_timezones() else None
    return users.new_user(identity.email, identity.name, zone or "UTC", None, now)


async def _put(
    session: DatabaseSession,
    user: User,
    workspace_id: UUID,
    role: Role | None,
    now: datetime,
    *,
    knows: bool,
) -> None:
    """The role they have there from now on; None: they are no member any more. Where the provider did
    not say their groups, it `knows` no reason to lower it."""
    found = await find_member(session, workspace_id, user.id)
    if found is None:
        if role is not None:
            made = users.new_membership(user.id, workspace_id, role, now)
            await write_user(session, made)
            _record(session, user, made, "created", now, after=role)
    elif role is None:
        caller = Principal(user.id, user.name, workspace_id, Role.ADMIN, user_id=user.id)
        await users.remove(session, caller, user.id, now)
    elif role is not (before := Role(found.membership.role)) and (knows or role.includes(before)):
        found.membership.role = role.value
        found.membership.updated_at = now
        _record(session, user, found.membership, "updated", now, before=before, after=role)
        await session.flush()


def _record(
    session: DatabaseSession,
    user: User,
    membership: Membership,
    action: str,
    now: datetime,
    *,
    before: Role | None = None,
    after: Role,
) -> None:
    audit_events.record(
        session,
        workspace_id=membership.workspace_id,
        actor=Actor(ActorKind.USER, user.name, user.id),
        action=action,
        object_type="user",
        object_id=user.id,
        now=now,
        before=None if before is None else {"role": before.value},
        after={"role": after.value, "email": user.email, "by": _MEANS},
    )
