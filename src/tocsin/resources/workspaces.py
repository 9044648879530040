"""Workspaces: a caller sees and changes its own; admins of `default` make new ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from tocsin.access.api_keys import Principal, create_api_key
from tocsin.model import DEFAULT_SLUG, Role
from tocsin.resources import recording
from tocsin.resources.errors import NotInWorkspace, NotPermitted
from tocsin.resources.fields import Id, Input, Name, Output, Slug, Time, example, left_out
from tocsin.resources.owned import require
from tocsin.store.database import DatabaseSession
from tocsin.store.paging import PageRequest, RowPage
from tocsin.store.queries import audit_events
from tocsin.store.queries.workspaces import (
    create_workspace,
    page_of_installation,
    page_of_workspaces,
    read_workspace,
)
from tocsin.store.tables import AlertDestination, Workspace


class WorkspaceOut(Output):
    id: Id
    slug: str
    name: str
    fallback_destination_id: Annotated[
        Id | None,
        Field(
            description="Notified when another destination keeps failing, or a message of a CRITICAL "
            "alert was given up"
        ),
    ]
    created_at: Time
    updated_at: Time


class WorkspaceCreated(WorkspaceOut):
    api_key: Annotated[
        str, Field(description="An admin key of the new workspace; it is never shown again")
    ]


class WorkspaceIn(Input):
    slug: Slug
    name: Name

    model_config = example({"slug": "night-shift", "name": "Night shift"})


class WorkspacePatch(Input):
    name: Name = left_out()
    fallback_destination_id: Id | None = None

    model_config = example({"name": "Operations"})


def _document(row: Workspace) -> Mapping[str, Any]:
    return WorkspaceOut.model_validate(row).document()


_KIND = recording.Kind("workspace", _document)


async def own(session: DatabaseSession, caller: Principal, workspace_id: UUID) -> Workspace:
    """The caller's workspace, if that is the one that is meant.

    Raises:
        NotInWorkspace: it is another.
    """
    workspace = await read_workspace(session, caller.workspace_id)
    if workspace is None or workspace_id != caller.workspace_id:
        raise NotInWorkspace(_KIND.name)
    return workspace


async def is_of_installation(session: DatabaseSession, caller: Principal) -> bool:
    """Whether the caller is of `default`, whose admins look after the whole installation."""
    callers = await read_workspace(session, caller.workspace_id)
    return callers is not None and callers.slug == DEFAULT_SLUG


async def page_of_seen(
    session: DatabaseSession, caller: Principal, request: PageRequest, *, q: str | None = None
) -> RowPage[Workspace]:
    """All workspaces that the caller may know of: for an admin of `default` every one, for others
    their own."""
    if caller.role is Role.ADMIN and await is_of_installation(session, caller):
        return await page_of_installation(session, request, q=q)
    return await page_of_workspaces(session, caller.workspace_id, request)


async def create(
    session: DatabaseSession, caller: Principal, body: WorkspaceIn, now: datetime
) -> WorkspaceCreated:
    """Makes a workspace with its tenant `default` and an admin key.

    Raises:
        NotPermitted: the caller is of another workspace than `default`.
    """
    if not await is_of_installation(session, caller):
        raise NotPermitted("Only admins of the workspace `default` make workspaces.")
    workspace = await create_workspace(session, slug=body.slug, name=body.name, now=now)
    for seen_in in (caller.workspace_id, workspace.id):
        audit_events.record(
            session,
            workspace_id=seen_in,
            actor=caller.actor,
            action="created",
            object_type=_KIND.name,
            object_id=workspace.id,
            now=now,
            after=_document(workspace),
        )
    _, key = await create_api_key(
        session,
        workspace_id=workspace.id,
        name="first admin",
        role=Role.ADMIN,
        actor=caller.actor,
        now=now,
    )
    shown = WorkspaceOut.model_validate(workspace)
    return WorkspaceCreated(**shown.model_dump(), api_key=key.reveal_text())


async def update(
    session: DatabaseSession,
    caller: Principal,
    workspace_id: UUID,
    body: WorkspacePatch,
    now: datetime,
) -> Workspace:
    row = await own(session, caller, workspace_id)
    if body.fallback_destination_id is not None:
        await require(
            session,
            AlertDestination,
            caller,
            body.fallback_destination_id,
            "/fallback_destination_id",
        )
    async with recording.changing(session, caller, _KIND, row, now):
        recording.assign(row, body.given())
    return row
