"""`tocsin bulk`: one action on all alerts of a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import one_of, span
from tocsin.cli.kit.output import Json, ago, is_answered, print_json, progress, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.model import iso, utc_now
from tocsin.model.bulk_actions import BulkKind, BulkState

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

app = typer.Typer(no_args_is_help=True, help="Act on all alerts of a filter, as in the query bar.")

_PATH, _KIND = "/bulk-actions", "bulk action"
_LOOK_SECONDS = 0.2
_UNDER_WAY = (BulkState.RUNNING, BulkState.CANCELING)

BulkActionId = Annotated[
    str,
    typer.Argument(metavar="BULK_ACTION_ID", help="An id, the beginning of one, or `last`."),
]
Wait = Annotated[bool, typer.Option(help="Until it is over; --no-wait: a server goes on with it.")]


@app.command()
def act(
    kind: Annotated[BulkKind, typer.Argument(metavar="ACTION", help=one_of(BulkKind))],
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="As in the query bar: 'status:open host:db*'.")
    ],
    note: Annotated[str | None, typer.Option(help="Kept in the timeline of each.")] = None,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="SPAN", help="To snooze or acknowledge so long: 30m, 2h…"),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="NAME", help="To assign: a person; `nobody` unassigns.")
    ] = None,
    wait: Wait = True,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Act on every alert that matches now: each by itself, on its timeline and in the audit log."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    body: dict[str, Any] = {"kind": kind.value, "query": query}
    if note is not None:
        body["note"] = note
    if duration is not None:
        body["until"] = iso(utc_now() + span(duration, "--for"))
    with open_api(workspace) as api:
        if to is not None:
            nobody = to == "nobody"
            body["user_id"] = None if nobody else by_name(api, "/users", "person", to)["id"]
        _finish(api, api.post(_PATH, body), wait, json)


@app.command("list")
def list_all(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 20,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List bulk actions, newest first."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit)
    if is_answered(found, json, "There is no bulk action."):
        return
    made = table("id", "what", "state", "done", "of", "who", "when", "query")
    for each in found:
        made.add_row(
            each["id"],
            each["kind"],
            each["state"],
            f"{each['changed_count']:,}",
            f"{each['alert_count']:,}",
            Text(each["actor"]["name"]),
            ago(each["created_at"]),
            Text(each["query"]),
        )
    show(made)


@app.command("show")
def show_one(
    bulk_action_id: BulkActionId, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Show how far it is, and what could not be done."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace, only_reads=True) as api:
        found = api.get(f"{_PATH}/{one_id(api, _PATH, _KIND, bulk_action_id)}")
        refused = api.items(f"{_PATH}/{found['id']}/alerts", limit=100, outcome="refused")
    if json:
        print_json({**found, "refused": refused})
        return
    show(Text(_words(found)))
    if refused:
        made = table("alert", "not, because", "id")
        for each in refused:
            made.add_row(Text(each["title"] or "–"), Text(each["reason"]), each["alert_id"])
        show(made)


@app.command()
def cancel(
    bulk_action_id: BulkActionId, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Stop it after the alert under way; what is done stays done."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace) as api:
        found = api.post(f"{_PATH}/{one_id(api, _PATH, _KIND, bulk_action_id)}/cancel")
    if json:
        print_json(found)
    else:
        show(Text(_words(found)))


@app.command()
def undo(
    bulk_action_id: BulkActionId,
    wait: Wait = True,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Take back what it changed: an acknowledgement, the end of alerts, a snooze."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace) as api:
        made = api.post(f"{_PATH}/{one_id(api, _PATH, _KIND, bulk_action_id)}/undo")
        _finish(api, made, wait, json)


def _finish(api: ApiClient, found: Any, wait: bool, json: bool) -> None:
    if wait and found["state"] in _UNDER_WAY:
        with progress(f"{found['kind']}: {found['alert_count']:,} alerts"):
            while found["state"] in _UNDER_WAY:
                api.pause(_LOOK_SECONDS)
                found = api.get(f"{_PATH}/{found['id']}")
    if json:
        print_json(found)
    else:
        show(Text(_words(found)))


def _words(found: Any) -> str:
    parts = [f"{found['kind']} {found['state']}: {found['changed_count']:,} changed"]
    if found["unchanged_count"]:
        parts.append(f"{found['unchanged_count']:,} were so already")
    if found["refused_count"]:
        parts.append(f"{found['refused_count']:,} could not")
    more = ", and more match" if found["has_more"] else ""
    return f"{', '.join(parts)} of {found['alert_count']:,}{more}.  {found['id']}"
