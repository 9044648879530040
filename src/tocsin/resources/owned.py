"""A row of the caller's own workspace. What belongs to another does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tocsin.access.api_keys import Principal
from tocsin.resources.errors import MissingReference, NotInWorkspace
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.workspace_rows import OwnedRow


async def owned(
    session: DatabaseSession,
    table: type[OwnedRow],
    caller: Principal,
    row_id: UUID,
    *,
    lock: bool = False,
) -> OwnedRow:
    """The row of this id; with `lock` it is locked until the commit.

    Raises:
        NotInWorkspace: there is none.
    """
    row = await workspace_rows.find(session, table, caller.workspace_id, row_id, lock=lock)
    if row is None:
        raise NotInWorkspace(workspace_rows.called(table))
    return row


async def require(
    session: DatabaseSession, table: type[OwnedRow], caller: Principal, row_id: UUID, pointer: str
) -> None:
    """Makes sure of something that a request names at `pointer`.

    Raises:
        MissingReference: it is not there.
    """
    if await workspace_rows.find(session, table, caller.workspace_id, row_id) is None:
        raise MissingReference(workspace_rows.called(table), pointer)


async def require_all(
    session: DatabaseSession,
    table: type[OwnedRow],
    caller: Principal,
    ids: Sequence[UUID] | None,
    pointer: str,
) -> None:
    """The same for a list of them.

    Raises:
        MissingReference: the first that is not there.
    """
    known = await workspace_rows.known_ids(session, table, caller.workspace_id, ids or ())
    for index, each in enumerate(ids or ()):
        if each not in known:
            raise MissingReference(workspace_rows.called(table), f"{pointer}/{index}")
