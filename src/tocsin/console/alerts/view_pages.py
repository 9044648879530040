"""Saved views on the page of alerts: kept, deleted, and how many alerts each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import UUID

from pydantic import ValidationError
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tocsin.console.alerts.alert_addresses import USUAL, list_address
from tocsin.console.context import ConsoleContext
from tocsin.console.frame.render import go
from tocsin.console.getting_in.door import Call, opened
from tocsin.resources import saved_views
from tocsin.resources.errors import InvalidRequest, NotInWorkspace, NotPermitted
from tocsin.resources.saved_views import SavedViewIn
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.saved_views import views_of

COUNTING_SECONDS: Final = 0.06
"""Then views that are left stay without a number: a page is not to wait for them."""
_USUAL_VIEWS = (
    ("Open", USUAL),
    ("Unowned", "status:open"),
    ("Critical", f"{USUAL} severity:critical"),
    ("Held", f"{USUAL} held:yes"),
    ("Over today", "status:resolved,closed age<24h"),
)


@dataclass(frozen=True, slots=True)
class ViewTab:
    name: str
    query: str
    address: str
    is_current: bool
    id: UUID | None = None
    """None: one that every workspace has."""
    is_own: bool = False


async def read_tabs(
    session: DatabaseSession, call: Call, query: str, group_by: str
) -> list[ViewTab]:
    """Those that everybody has, those of the workspace, one's own."""
    saved = await views_of(session, call.visitor.workspace_id, call.visitor.user_id)
    usual = [
        ViewTab(name, each, list_address(q=each, group=group_by), each == query)
        for name, each in _USUAL_VIEWS
    ]
    return usual + [
        ViewTab(
            view.name,
            view.query,
            list_address(q=view.query, group=view.group_by or ""),
            (view.query, view.group_by or "") == (query, group_by),
            view.id,
            view.user_id is not None,
        )
        for view in saved
    ]


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/alerts/views", opened(context, _save), methods=["POST"]),
        Route("/alerts/views/counts", opened(context, _count), methods=["GET"]),
        Route("/alerts/views/{id:uuid}/delete", opened(context, _delete), methods=["POST"]),
    ]


async def _save(call: Call) -> Response:
    form = await call.form()
    query, group_by = form.get("q", ""), form.get("group", "")
    back = list_address(q=query, group=group_by)
    try:
        body = SavedViewIn(
            name=form.get("name", "").strip(),
            query=query,
            group_by=group_by or None,
            is_shared=form.get("is_shared") == "yes",
        )
    except ValidationError:
        return go(back, "A view has a name of one line, at most 200 characters.")
    try:
        async with call.context.configuring() as session:
            await saved_views.create(session, call.visitor.principal, body, call.now)
    except InvalidRequest as refused:
        return go(back, f"Not saved: {refused.faults[0].message}.")
    except NotPermitted as refused:
        return go(back, f"Not saved: {refused.reason}.")
    return go(back, f"Saved “{body.name}”.")


async def _delete(call: Call) -> Response:
    view_id: UUID = call.request.path_params["id"]
    try:
        async with call.context.configuring() as session:
            gone = await saved_views.delete(session, call.visitor.principal, view_id, call.now)
    except NotInWorkspace:
        return go("/alerts", "That view is gone already.")
    except NotPermitted as refused:
        return go("/alerts", f"Not deleted: {refused.reason}.")
    return go(list_address(q=gone.query, group=gone.group_by or ""), f"Deleted “{gone.name}”.")


async def _count(call: Call) -> Response:
    """Query → number, in words; as many as can be counted at once."""
    began = monotonic()
    found: dict[str, str] = {}
    async with call.context.reading() as session:
        tabs = await read_tabs(session, call, "", "")
        for query in _each_once(tabs):
            if monotonic() - began > COUNTING_SECONDS:
                break
            counted = await saved_views.count(session, call.visitor.workspace_id, query, call.now)
            found[query] = counted.words
    return JSONResponse(found, headers={"Cache-Control": "no-store"})


def _each_once(tabs: Sequence[ViewTab]) -> list[str]:
    """Saved ones first: what everybody has is of less interest to whoever keeps one."""
    ordered = sorted(tabs, key=lambda tab: tab.id is None)
    return list(dict.fromkeys(tab.query for tab in ordered))
