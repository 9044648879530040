"""People as the requests of a workspace name them, and who may act for whom."""

from __future__ import annotations

from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.model import Role
from tocsin.resources.errors import MissingReference, NotInWorkspace, NotPermitted
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.users import Member, find_member

KIND = "user"


async def member(session: DatabaseSession, caller: Principal, user_id: UUID) -> Member:
    """The member of the caller's workspace.

    Raises:
        NotInWorkspace: there is none.
    """
    found = await find_member(session, caller.workspace_id, user_id)
    if found is None:
        raise NotInWorkspace(KIND)
    return found


async def require_member(
    session: DatabaseSession, caller: Principal, user_id: UUID, pointer: str
) -> None:
    """Makes sure of somebody whom a request names at `pointer`.

    Raises:
        MissingReference: they are no member.
    """
    if await find_member(session, caller.workspace_id, user_id) is None:
        raise MissingReference(KIND, pointer)


def require_manager(caller: Principal, user_id: UUID) -> None:
    """Makes sure that the caller may change how this person is reached.

    Raises:
        NotPermitted: they are neither this person nor an admin.
    """
    if not caller.speaks_for(user_id) and not caller.role.includes(Role.ADMIN):
        raise NotPermitted("Only they themselves and admins change this.")


def require_owner(caller: Principal, user_id: UUID) -> None:
    """Makes sure that it is this person who asks.

    Raises:
        NotPermitted: it is somebody else, an admin too.
    """
    if not caller.speaks_for(user_id):
        raise NotPermitted("Only its owner does this, with an API key of their own.")
