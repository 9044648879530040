"""`tocsin delivery`: the messages to destinations, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import AlertDeliveryId, span
from tocsin.cli.kit.output import (
    Json,
    ago,
    clock,
    is_answered,
    moment,
    print_json,
    show,
    status_text,
)
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.explain.wait_words import WAIT_WORDS
from tocsin.model import AlertDeliveryStatus, iso, utc_now

app = typer.Typer(no_args_is_help=True, help="List, retry and cancel messages to destinations.")


_PATH = "/alert-deliveries"
_KIND = "message"


@app.command("list")
def list_all(
    status: Annotated[list[AlertDeliveryStatus] | None, typer.Option(help="Any of these.")] = None,
    alert: Annotated[str | None, typer.Option(help="An alert's id, or `last`.")] = None,
    destination: Annotated[str | None, typer.Option(help="Name or id.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 20,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List messages, newest first."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import alert_id, by_name, names_by_id

    with open_api(workspace, only_reads=True) as api:
        named = names_by_id(api, "/alert-destinations")
        wanted = None
        if destination is not None:
            wanted = by_name(api, "/alert-destinations", "destination", destination)["id"]
        found = api.items(
            _PATH,
            limit,
            status=[each.value for each in status or []],
            alert_id=None if alert is None else alert_id(api, alert),
            alert_destination_id=wanted,
        )
    if is_answered(
        found,
        json,
        "No message matches." if status or alert or destination else "There is none yet.",
    ):
        return
    made = table("when", "status", "destination", "event", "reason", "tried", "id", "error")
    for each in found:
        made.add_row(
            ago(each["created_at"]),
            status_text(each["status"]),
            Text(addressee(each, named)),
            each["event_type"].removeprefix("alerts."),
            why(each),
            str(each["attempt_count"]),
            each["id"],
            Text(each["last_error_message"] or ""),
        )
    show(made)


def addressee(delivery: Any, named: Mapping[str, str]) -> str:
    """The destination by name, or the person whose contact method it is."""
    if name := named.get(delivery["alert_destination_id"]):
        return name
    if user := delivery["detail"].get("escalation", {}).get("user"):
        return str(user)
    return "whoever was paged" if delivery["reason"] == "paged_before" else "(deleted)"


def why(delivery: Any) -> str:
    """In a few words, with the time until which it waits."""
    if wait := delivery["waits_for"]:
        return f"{wait['reason']} until {_time(wait['until'])}"
    if _is_to_come(delivery):
        return f"{delivery['reason']} until {_time(delivery['send_after'])}"
    return str(delivery["reason"])


def _time(at: str) -> str:
    return clock(at)[:8]


def _is_to_come(delivery: Any) -> bool:
    if delivery["status"] not in ("queued", "deferred") or delivery["send_after"] is None:
        return False
    return datetime.fromisoformat(delivery["send_after"]) > utc_now()


@app.command("show")
def show_one(
    alert_delivery_id: AlertDeliveryId, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Show one message and every attempt to deliver it."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace, only_reads=True) as api:
        found = api.get(f"{_PATH}/{one_id(api, _PATH, _KIND, alert_delivery_id)}")
    if json:
        print_json(found)
        return
    show(
        Text.assemble(
            status_text(found["status"]),
            f"  {found['event_type']}  because of {found['reason']}",
        )
    )
    if wait := found["waits_for"]:
        show(Text(f"{WAIT_WORDS[wait['reason']]} {moment(wait['until'])}"))
    elif _is_to_come(found):
        show(Text(f"waits until {moment(found['send_after'])}"))
    made = table("", "at", "took", "outcome", "http", "said")
    for each in found["attempts"]:
        made.add_row(
            str(each["number"]),
            clock(each["started_at"]),
            f"{each['duration_ms']} ms",
            each["outcome"],
            str(each["http_status"] or ""),
            Text(each["message"] or ""),
        )
    if found["attempts"]:
        show(made)


@app.command()
def retry(
    alert_delivery_id: AlertDeliveryId, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Queue one that failed or was canceled again, under the same id."""
    _act("retry", alert_delivery_id, workspace, json)


@app.command()
def cancel(
    alert_delivery_id: AlertDeliveryId, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """Call off one that waits."""
    _act("cancel", alert_delivery_id, workspace, json)


@app.command()
def retry_failed(
    since: Annotated[str, typer.Option(metavar="SPAN", help="Made in the last 2h, say.")] = "1d",
    destination: Annotated[str | None, typer.Option(help="Name or id; else all.")] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Queue again everything that failed recently."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    begin = utc_now() - span(since, "--since")
    with open_api(workspace) as api:
        wanted = None
        if destination is not None:
            wanted = by_name(api, "/alert-destinations", "destination", destination)["id"]
        result = api.post(f"{_PATH}/retry", {"since": iso(begin), "destination_id": wanted})
    if json:
        print_json(result)
    else:
        show(Text(f"{result['retried']} are queued again."))


def _act(action: str, alert_delivery_id: str, workspace: str, json: bool) -> None:
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace) as api:
        found = api.post(f"{_PATH}/{one_id(api, _PATH, _KIND, alert_delivery_id)}/{action}")
    if json:
        print_json(found)
    else:
        show(Text.assemble("It is ", status_text(found["status"]), "."))
