"""For admins: the workspace's name and fallback; for those of `default` all workspaces, and new ones."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.forms.choices import destination_choices
from tocsin.console.frame.render import go, page
from tocsin.console.frame.searched_list import Searched
from tocsin.console.getting_in.door import Call, opened
from tocsin.model import Role
from tocsin.resources import workspaces
from tocsin.resources.workspaces import WorkspaceCreated, WorkspaceIn, WorkspacePatch
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.workspaces import contents_of

_HERE: Final = "/admin/workspaces"
_ROWS: Final = 100


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route(_HERE, opened(context, _answer, role=Role.ADMIN), methods=["GET", "POST"]),
    ]


async def _answer(call: Call) -> Response:
    if not call.may(Role.ADMIN):
        return go("/", "Only admins see that page.")
    if call.request.method == "GET":
        return await _show(call, {}, {})
    form = {name: value.strip()[:300] for name, value in (await call.form()).items()}
    if form.get("act") == "make":
        return await _make(call, form)
    return await _change(call, form)


async def _change(call: Call, form: Mapping[str, str]) -> Response:
    document = {
        "name": form.get("name", ""),
        "fallback_destination_id": form.get("fallback_destination_id") or None,
    }
    entered = forms.read(WorkspacePatch, document)
    if entered.body is None:
        return await _show(call, form, entered.faults)
    saved = await forms.save(_update(call, entered.body))
    if saved.made is None:
        return await _show(call, form, saved.faults)
    return go(_HERE, "Saved.")


async def _update(call: Call, body: WorkspacePatch) -> bool:
    async with call.context.configuring() as session:
        caller = call.visitor.principal
        await workspaces.update(session, caller, caller.workspace_id, body, call.now)
    return True


async def _make(call: Call, form: Mapping[str, str]) -> Response:
    document = {"slug": form.get("new-slug", ""), "name": form.get("new-name", "")}
    entered = forms.read(WorkspaceIn, document)
    faults = entered.faults
    if entered.body is not None:
        saved = await forms.save(_create(call, entered.body), unique="slug")
        if saved.made is not None:
            return await _show(call, {}, {}, saved.made)
        faults = saved.faults
    return await _show(call, form, {f"new-{name}" if name else "": faults[name] for name in faults})


async def _create(call: Call, body: WorkspaceIn) -> WorkspaceCreated:
    async with call.context.configuring() as session:
        return await workspaces.create(session, call.visitor.principal, body, call.now)


async def _show(
    call: Call,
    form: Mapping[str, str],
    faults: Mapping[str, str],
    made: WorkspaceCreated | None = None,
) -> Response:
    caller = call.visitor.principal
    async with call.context.reading() as session:
        own = await workspaces.own(session, caller, caller.workspace_id)
        is_of_installation = await workspaces.is_of_installation(session, caller)
        fallback = form.get("fallback_destination_id", str(own.fallback_destination_id or ""))
        destinations = await destination_choices(session, caller.workspace_id, [fallback])
        listed = await _listed(session, call) if is_of_installation else {}
    return page(
        "admin_workspaces.html",
        call.frame("admin"),
        HTTPStatus.UNPROCESSABLE_ENTITY if faults else HTTPStatus.OK,
        own=own,
        values={
            "name": own.name,
            "new-name": "",
            "new-slug": "",
            **form,
            "fallback_destination_id": fallback,
        },
        faults=faults,
        made=made,
        destinations=destinations,
        is_of_installation=is_of_installation,
        places={each.workspace_id: each for each in call.visitor.places},
        **{"rows": [], "contents": {}, "q": "", "more": None, **listed},
    )


async def _listed(session: DatabaseSession, call: Call) -> dict[str, Any]:
    """All workspaces, a page of them, each with what is in it."""
    searched, caller = Searched.asked(call.request.query_params), call.visitor.principal
    found = await searched.page(
        _ROWS, lambda request, q: workspaces.page_of_seen(session, caller, request, q=q)
    )
    more = searched.more(found.next_cursor)
    contents = await contents_of(session, [each.id for each in found.rows])
    return {"rows": found.rows, "contents": contents, "q": searched.q, "more": more}
