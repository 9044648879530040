"""Workspaces: a caller sees and changes its own; admins of `default` make new ones."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tocsin.access.api_keys import create_api_key
from tocsin.api.auth import Admin, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, fetch_page
from tocsin.api.problems import ApiProblem, is_constraint, missing_reference, not_found
from tocsin.model import Role, utc_now
from tocsin.resources import recording
from tocsin.resources.fields import Id, Input, Name, Output, Slug, Time, example, left_out
from tocsin.resources.owned import find_owned
from tocsin.store import audit
from tocsin.store.tables import AlertDestination, Workspace
from tocsin.store.workspaces import DEFAULT, create_workspace

router = APIRouter(prefix="/workspaces", tags=["workspaces"], route_class=JsonRoute)


class WorkspaceOut(Output):
    id: Id
    slug: str
    name: str
    fallback_destination_id: Annotated[
        Id | None,
        Field(
            description="Told when another destination keeps failing, or a message of a CRITICAL "
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


@router.get("")
async def list_workspaces(
    context: Context, caller: Viewer, query: Annotated[PageQuery, Query()]
) -> Page[WorkspaceOut]:
    """The caller's own workspace; there are no others to it."""
    async with context.reading() as session:
        rows, next_cursor = await fetch_page(
            session,
            select(Workspace).where(Workspace.id == caller.workspace_id),
            key=Workspace.id,
            query=query,
            list_name="workspaces",
        )
    return Page(items=[WorkspaceOut.model_validate(row) for row in rows], next_cursor=next_cursor)


@router.post("", status_code=201, responses=problems("name-taken"))
async def create_workspace_with_key(
    context: Context, caller: Admin, body: WorkspaceIn
) -> WorkspaceCreated:
    """Makes a workspace with its tenant `default` and an admin key, which is shown this once: the
    maker does not see into it. Only admins of the workspace `default` may."""
    now = utc_now()
    try:
        async with context.configuring() as session:
            own = await session.get(Workspace, caller.workspace_id)
            if own is None or own.slug != DEFAULT:
                raise ApiProblem(
                    "forbidden", "Only admins of the workspace `default` make workspaces."
                )
            workspace = await create_workspace(session, slug=body.slug, name=body.name, now=now)
            shown = WorkspaceOut.model_validate(workspace)
            for seen_in in (caller.workspace_id, workspace.id):
                audit.record(
                    session,
                    workspace_id=seen_in,
                    actor=caller.actor,
                    action="created",
                    object_type="workspace",
                    object_id=workspace.id,
                    now=now,
                    after=shown.document(),
                )
            _, key = await create_api_key(
                session,
                workspace_id=workspace.id,
                name="first admin",
                role=Role.ADMIN,
                actor=caller.actor,
                now=now,
            )
    except IntegrityError as error:
        if is_constraint(error, "uq_workspaces_slug"):
            raise ApiProblem(
                "name-taken", f"Another workspace has the slug {body.slug!r}."
            ) from None
        raise
    return WorkspaceCreated(**shown.model_dump(), api_key=key.reveal_text())


@router.get("/{workspace_id:uuid}")
async def get_workspace(context: Context, caller: Viewer, workspace_id: Id) -> WorkspaceOut:
    async with context.reading() as session:
        workspace = await session.get(Workspace, caller.workspace_id)
    if workspace is None or workspace_id != caller.workspace_id:
        raise not_found("workspace")
    return WorkspaceOut.model_validate(workspace)


@router.patch("/{workspace_id:uuid}")
async def update_workspace(
    context: Context, caller: Admin, workspace_id: Id, body: WorkspacePatch
) -> WorkspaceOut:
    async with context.configuring() as session:
        workspace = await session.get(Workspace, caller.workspace_id)
        if workspace is None or workspace_id != caller.workspace_id:
            raise not_found("workspace")
        if body.fallback_destination_id is not None:
            destination = await find_owned(
                session, AlertDestination, caller.workspace_id, body.fallback_destination_id
            )
            if destination is None:
                raise missing_reference("alert destination", "/fallback_destination_id")
        return await recording.update(
            session, caller, "workspace", workspace, body.given(), WorkspaceOut, utc_now()
        )
