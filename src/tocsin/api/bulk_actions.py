"""One action on all alerts of a filter: worked through in steps, with what became of each; canceled,
undone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from tocsin.api.auth import Responder, Viewer
from tocsin.api.context import Context
from tocsin.api.json_body import JsonRoute
from tocsin.api.openapi import problems
from tocsin.api.pagination import Page, PageQuery, shown
from tocsin.api.problem_answers import ApiProblem
from tocsin.model import utc_now
from tocsin.model.bulk_actions import BulkOutcome, BulkState
from tocsin.resources import bulk_actions
from tocsin.resources.bulk_actions import (
    BulkActionIn,
    BulkActionOut,
    BulkAlertOut,
    NotUndoable,
    StillRunning,
    show,
)
from tocsin.resources.fields import Id
from tocsin.resources.owned import owned
from tocsin.store.queries.bulk_actions import page_of_bulk_actions, page_of_bulk_alerts
from tocsin.store.tables import BulkAction

router = APIRouter(prefix="/bulk-actions", tags=["bulk actions"], route_class=JsonRoute)


class BulkActionQuery(PageQuery):
    state: Annotated[list[BulkState], Field(default_factory=list, description="Any of these")]


class BulkAlertQuery(PageQuery):
    outcome: Annotated[list[BulkOutcome], Field(default_factory=list, description="Any of these")]


@router.get("")
async def list_bulk_actions(
    context: Context, caller: Viewer, query: Annotated[BulkActionQuery, Query()]
) -> Page[BulkActionOut]:
    """The newest 200 of a workspace are kept."""
    async with context.reading() as session:
        page = await page_of_bulk_actions(
            session, caller.workspace_id, query.request(), query.state
        )
    return shown(page, show)


@router.post("", status_code=201)
async def create_bulk_action(
    context: Context, caller: Responder, body: BulkActionIn
) -> BulkActionOut:
    """Acts on every alert that matches now, 10,000 at most, one after the other. It goes on by itself:
    ask for it again to see how far it is. Each alert has the action on its timeline and in the audit
    log, and notifies as if somebody had acted on it alone."""
    async with context.writing() as session:
        return show(await bulk_actions.create(session, caller, body, utc_now()))


@router.get("/{bulk_action_id:uuid}")
async def get_bulk_action(context: Context, caller: Viewer, bulk_action_id: Id) -> BulkActionOut:
    """Its progress, and what became of its alerts so far."""
    async with context.reading() as session:
        return show(await owned(session, BulkAction, caller, bulk_action_id))


@router.get("/{bulk_action_id:uuid}/alerts")
async def list_alerts_of_bulk_action(
    context: Context, caller: Viewer, bulk_action_id: Id, query: Annotated[BulkAlertQuery, Query()]
) -> Page[BulkAlertOut]:
    """What became of each alert; newest alerts first."""
    async with context.reading() as session:
        await owned(session, BulkAction, caller, bulk_action_id)
        page = await page_of_bulk_alerts(session, bulk_action_id, query.request(), query.outcome)
    return shown(page, BulkAlertOut.model_validate)


@router.post("/{bulk_action_id:uuid}/cancel")
async def cancel_bulk_action(
    context: Context, caller: Responder, bulk_action_id: Id
) -> BulkActionOut:
    """Stops it after the alert under way; what is done stays done, and can be undone."""
    async with context.writing() as session:
        return show(await bulk_actions.cancel(session, caller, bulk_action_id, utc_now()))


@router.post(
    "/{bulk_action_id:uuid}/undo",
    status_code=201,
    responses=problems("bulk-action-running", "not-undoable"),
)
async def undo_bulk_action(
    context: Context, caller: Responder, bulk_action_id: Id
) -> BulkActionOut:
    """Takes back what it changed, once, by a bulk action of its own: acknowledged alerts are open again,
    resolved ones reopened, snoozes ended. What somebody else has taken over since stays."""
    async with context.writing() as session:
        undone = await bulk_actions.undo(session, caller, bulk_action_id, utc_now())
        if isinstance(undone, StillRunning):
            raise ApiProblem("bulk-action-running", undone.words)
        if isinstance(undone, NotUndoable):
            raise ApiProblem("not-undoable", undone.words)
        return show(undone)
