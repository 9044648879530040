"""What is done to all alerts of the list: begun from it, how far it is, called off, undone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from tocsin.console.alerts.alert_addresses import list_address
from tocsin.console.context import ConsoleContext
from tocsin.console.forms import forms
from tocsin.console.frame.list_page import page_or_first
from tocsin.console.frame.render import go, page
from tocsin.console.getting_in.door import Call, absent, opened
from tocsin.model import Role
from tocsin.model.bulk_actions import BulkKind, BulkOutcome, BulkState
from tocsin.resources import bulk_actions
from tocsin.resources.bulk_actions import BulkActionIn, BulkActionOut
from tocsin.resources.errors import NotInWorkspace
from tocsin.store import workspace_rows
from tocsin.store.database import DatabaseSession
from tocsin.store.queries.bulk_actions import page_of_bulk_alerts, undone_by, unfinished
from tocsin.store.tables import BulkAction

_ROWS = 50
_SNOOZE_MINUTES = 120


@dataclass(frozen=True, slots=True)
class _Verb:
    now: str
    """What is being done: `Acknowledging 12 alerts`."""
    done: str
    """What was: `12 acknowledged`."""


_VERBS: Mapping[BulkKind, _Verb] = {
    BulkKind.ACKNOWLEDGE: _Verb("Acknowledging", "acknowledged"),
    BulkKind.UNACKNOWLEDGE: _Verb("Taking back the acknowledgement of", "open again"),
    BulkKind.RESOLVE: _Verb("Resolving", "resolved"),
    BulkKind.CLOSE: _Verb("Closing", "closed"),
    BulkKind.REOPEN: _Verb("Reopening", "reopened"),
    BulkKind.NOTE: _Verb("Noting on", "noted"),
    BulkKind.SNOOZE: _Verb("Snoozing", "snoozed"),
    BulkKind.UNSNOOZE: _Verb("Ending the snooze of", "not snoozed any more"),
    BulkKind.ASSIGN: _Verb("Assigning", "assigned"),
}


def routes(context: ConsoleContext) -> list[Route]:
    return [
        Route("/alerts/bulk/{id:uuid}", opened(context, _show), methods=["GET"]),
        Route(
            "/alerts/bulk/{id:uuid}",
            opened(context, _change, role=Role.RESPONDER),
            methods=["POST"],
        ),
    ]


async def begin(call: Call, form: Mapping[str, str]) -> Response:
    """What the form wishes for every alert of its list."""
    query, group_by = form.get("q", ""), form.get("group", "")
    back = list_address(q=query, group=group_by)
    document: dict[str, Any] = {"kind": form.get("act", ""), "query": query}
    if form.get("act") == BulkKind.SNOOZE:
        document["minutes"] = _SNOOZE_MINUTES
    if form.get("act") == BulkKind.ASSIGN:
        person = form.get("user_id", "")
        if not person:
            return go(back, "Say to whom; nothing was changed.")
        document["user_id"] = None if person == "nobody" else person
    entered = forms.read(BulkActionIn, document)
    if entered.body is None:
        return go(back, f"Nothing was changed: {forms.first(entered.faults)}")
    saved = await forms.save(_create(call, entered.body))
    if saved.made is None:
        return go(back, f"Nothing was changed: {forms.first(saved.faults)}")
    return go(f"/alerts/bulk/{saved.made.id}")


async def _create(call: Call, body: BulkActionIn) -> BulkAction:
    async with call.context.writing() as session:
        return await bulk_actions.create(session, call.visitor.principal, body, call.now)


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """A bulk action as pages say it."""

    id: UUID
    head: str
    by: str
    settled: int
    count: int
    is_over: bool

    @classmethod
    def of(cls, row: BulkAction) -> BulkProgress:
        shown = bulk_actions.show(row)
        return cls(
            shown.id,
            _head(shown),
            shown.actor["name"],
            shown.settled_count,
            shown.alert_count,
            shown.state.is_over,
        )


async def under_way(session: DatabaseSession, workspace_id: UUID) -> list[BulkProgress]:
    """What is being done to many alerts of the workspace just now."""
    return [BulkProgress.of(row) for row in await unfinished(session, workspace_id)]


def _head(shown: BulkActionOut) -> str:
    verb = _VERBS[shown.kind]
    alerts = "one alert" if shown.alert_count == 1 else f"{shown.alert_count:,} alerts"
    if not shown.state.is_over:
        return f"{verb.now} {alerts}"
    if not shown.alert_count:
        return "No alert matched"
    words = f"{shown.changed_count:,} {verb.done}"
    return f"{words}, then canceled" if shown.state is BulkState.CANCELED else words


async def _show(call: Call) -> Response:
    bulk_action_id: UUID = call.request.path_params["id"]
    params = call.request.query_params
    wanted = {each.value: each for each in BulkOutcome}.get(params.get("outcome", ""))
    async with call.context.reading() as session:
        workspace_id = call.visitor.workspace_id
        row = await workspace_rows.find(session, BulkAction, workspace_id, bulk_action_id)
        if row is None:
            return absent(call, "bulk action", ("/alerts", "All alerts"))
        shown = bulk_actions.show(row)
        if not params.get("outcome") and shown.refused_count:
            wanted = BulkOutcome.REFUSED
        outcomes = [] if wanted is None else [wanted]
        alerts = await page_or_first(
            _ROWS,
            params.get("after"),
            lambda request: page_of_bulk_alerts(session, row.id, request, outcomes),
        )
        undoing = await undone_by(session, bulk_action_id)
    return page(
        "bulk.html",
        call.frame("alerts"),
        bulk=shown,
        head=_head(shown),
        done=_VERBS[shown.kind].done,
        assigned_to=_assigned_to(call, shown),
        list_address=list_address(q=shown.query),
        alerts=alerts.rows,
        older=alerts.next_cursor,
        wanted="" if wanted is None else wanted.value,
        tabs=[
            (outcome.value, words, count)
            for outcome, words, count in (
                (BulkOutcome.CHANGED, _VERBS[shown.kind].done, shown.changed_count),
                (BulkOutcome.UNCHANGED, "were so already", shown.unchanged_count),
                (BulkOutcome.REFUSED, "could not", shown.refused_count),
            )
        ],
        undoing=undoing,
        may_act=call.may(Role.RESPONDER),
        may_undo=bulk_actions.may_undo(row) and undoing is None,
    )


def _assigned_to(call: Call, shown: BulkActionOut) -> str | None:
    if shown.kind is not BulkKind.ASSIGN:
        return None
    user_id = shown.wish.get("user_id")
    book = call.context.senders.feed.current.on_call.get(call.visitor.workspace_id)
    return "nobody" if user_id is None or book is None else book.name(UUID(user_id))


async def _change(call: Call) -> Response:
    """Call it off, or undo it."""
    bulk_action_id: UUID = call.request.path_params["id"]
    here = f"/alerts/bulk/{bulk_action_id}"
    caller = call.visitor.principal
    try:
        async with call.context.writing() as session:
            match (await call.form()).get("act"):
                case "cancel":
                    await bulk_actions.cancel(session, caller, bulk_action_id, call.now)
                    return go(here)
                case "undo":
                    undone = await bulk_actions.undo(session, caller, bulk_action_id, call.now)
                case _:
                    return go(here)
    except NotInWorkspace:
        return absent(call, "bulk action", ("/alerts", "All alerts"))
    if isinstance(undone, BulkAction):
        return go(f"/alerts/bulk/{undone.id}")
    return go(here, undone.words)
