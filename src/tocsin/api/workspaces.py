"""Workspaces: a caller sees and changes its own; admins of `default` make new ones."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.model import utc_now
from tocsin.resources import workspaces
from tocsin.resources.fields import Id
from tocsin.resources.workspaces import (
    WorkspaceCreated,
    WorkspaceIn,
    WorkspaceOut,
    WorkspacePatch,
)
from tocsin.store.queries.workspaces import page_of_workspaces

router = APIRouter(prefix="/workspaces", tags=["workspaces"], route_class=JsonRoute)


class WorkspaceQuery(PageQuery):
    all: Annotated[
        bool,
        Field(
            description="For admins of `default`: every workspace there is; others get their own"
        ),
    ] = False


@router.get("")
async def list_workspaces(
    context: Context, caller: Viewer, query: Annotated[WorkspaceQuery, Query()]
) -> Page[WorkspaceOut]:
    """The caller's own workspace; others do not exist for it. Admins of `default` may ask for all: that
    they are there, not what is in them."""
    async with context.reading() as session:
        if query.all:
            page = await workspaces.page_of_seen(session, caller, query.request())
        else:
            page = await page_of_workspaces(session, caller.workspace_id, query.request())
    return shown(page, WorkspaceOut.model_validate)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_workspace_with_key(
    context: Context, caller: Admin, body: WorkspaceIn
) -> WorkspaceCreated:
    """Makes a workspace with its tenant `default` and an admin key, which is shown this once: the
    maker does not see into it. Only admins of the workspace `default` may."""
    async with context.configuring() as session:
        return await workspaces.create(session, caller, body, utc_now())


@router.get("/{workspace_id:uuid}")
async def get_workspace(context: Context, caller: Viewer, workspace_id: Id) -> WorkspaceOut:
    async with context.reading() as session:
        return WorkspaceOut.model_validate(await workspaces.own(session, caller, workspace_id))


@router.patch("/{workspace_id:uuid}")
async def update_workspace(
    context: Context, caller: Admin, workspace_id: Id, body: WorkspacePatch
) -> WorkspaceOut:
    async with context.configuring() as session:
        row = await workspaces.update(session, caller, workspace_id, body, utc_now())
        return WorkspaceOut.model_validate(row)
