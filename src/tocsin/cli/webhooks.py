"""`tocsin webhooks` lists what reached us, `tocsin webhook ID` shows one with all that was sent."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.json import JSON
from rich.padding import Padding
from rich.text import Text

from tocsin.cli.arguments import WebhookDeliveryId
from tocsin.cli.output import (
    Json,
    ago,
    is_answered,
    moment,
    pairs,
    print_json,
    section,
    show,
    status_text,
    table,
)
from tocsin.cli.runtime import DEFAULT_WORKSPACE, Workspace

_PATH = "/webhook-deliveries"


def webhooks(
    integration: Annotated[
        str | None, typer.Option("--integration", "-i", metavar="NAME", help="Name or id.")
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(
            help="created, updated, acknowledged, resolved, duplicate, ignored, "
            "invalid (not understood), rejected (not proven) or failed."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Received in the last 2h, say.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 20,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List webhook deliveries, newest first: every attempt of a sender, the refused ones included."""
    from tocsin.cli.arguments import span
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.lookup import by_name
    from tocsin.model import iso, utc_now

    begin = None if since is None else iso(utc_now() - span(since, "--since"))
    with open_api(workspace, only_reads=True) as api:
        names = {each["id"]: each["name"] for each in api.items("/integrations", 10_000)}
        wanted = None
        if integration is not None:
            wanted = by_name(api, "/integrations", "integration", integration)["id"]
        found = api.items(_PATH, limit, integration_id=wanted, outcome=outcome, since=begin)
    if is_answered(
        found,
        json,
        "No webhook matches." if integration or outcome or since else "None has arrived yet.",
    ):
        return
    made = table("when", "code", "outcome", "integration", "id", "remarks")
    for each in found:
        made.add_row(
            ago(each["created_at"]),
            str(each["status_code"]),
            status_text(each["outcome"]),
            Text(names.get(each["integration_id"], "(deleted)")),
            each["id"],
            _remarks(each),
        )
    show(made)


def webhook(
    delivery_id: WebhookDeliveryId,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show one webhook delivery: its answer, its headers, and its body as it came."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.lookup import one_id

    with open_api(workspace, only_reads=True) as api:
        found = api.get(f"{_PATH}/{one_id(api, _PATH, 'webhook delivery', delivery_id)}")
    if json:
        print_json(found)
        return
    show(Group(*_whole(found)))


def _whole(found: Any) -> list[RenderableType]:
    facts = pairs()
    facts.add_row("received", f"{moment(found['created_at'])}  ({ago(found['created_at'])})")
    if found["error_message"]:
        facts.add_row("because", Text(found["error_message"]))
    if found["flags"]:
        facts.add_row("doubts", ", ".join(found["flags"]))
    for name in ("idempotency_key", "duplicate_of_id", "replay_of_id"):
        if found[name]:
            facts.add_row(name.removesuffix("_id").replace("_", " "), Text(found[name]))
    for alert_id in found["alert_ids"]:
        facts.add_row("alert", alert_id)
    headers = pairs()
    for name, value in sorted(found["headers"].items()):
        headers.add_row(name, Text(str(value)))
    return [
        Text.assemble((str(found["status_code"]), "bold"), " ", status_text(found["outcome"])),
        Padding(facts, (0, 0, 0, 2)),
        section("Headers"),
        Padding(headers, (0, 0, 0, 2)),
        section("Body"),
        Padding(JSON.from_data(found["raw_payload"], indent=2), (0, 0, 0, 2)),
    ]


def _remarks(found: Any) -> Text:
    remarks = Text(found["error_message"] or "")
    if found["flags"]:
        remarks.append(("  " if remarks else "") + ", ".join(found["flags"]), style="yellow")
    return remarks
