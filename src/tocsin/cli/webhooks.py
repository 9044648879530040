"""`tocsin webhooks` lists what reached us, `tocsin webhook ID` shows one with all that was sent, and
`tocsin webhook NAME curl` prints the line that sends one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import (
    Json,
    ago,
    is_answered,
    moment,
    print_json,
    section,
    show,
    status_text,
)
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import document, pairs, table

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
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.arguments import span
    from tocsin.cli.kit.lookup import by_name, names_by_id
    from tocsin.model import iso, utc_now

    begin = None if since is None else iso(utc_now() - span(since, "--since"))
    with open_api(workspace, only_reads=True) as api:
        names = names_by_id(api, "/integrations")
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


class Wanted(StrEnum):
    CURL = "curl"


def webhook(
    which: Annotated[
        str,
        typer.Argument(
            metavar="DELIVERY_ID",
            help="An id, the beginning of one, or `last`; for `curl`, an integration, too.",
        ),
    ],
    wanted: Annotated[
        Wanted | None,
        typer.Argument(metavar="[curl]", help="Print a signed line that sends it, for a shell."),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="curl: what to send; else a sample, or what that delivery held."
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="curl: the server; else the one running on the data folder.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show one webhook delivery: its answer, its headers, and its body as it came.

    With `curl`: print a line that sends such a webhook, signed. Example: tocsin webhook shop curl | sh
    """
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    if wanted is Wanted.CURL:
        from tocsin.cli.webhook_curl import print_curl

        print_curl(which, workspace, body, url, json)
        return
    if body is not None or url is not None:
        raise Failure("--body and --url are for `tocsin webhook … curl`", code=Exit.USAGE)
    with open_api(workspace, only_reads=True) as api:
        found = api.get(f"{_PATH}/{one_id(api, _PATH, 'webhook delivery', which)}")
    if json:
        print_json(found)
        return
    show(Group(*_whole(found)))


def _whole(found: Any) -> list[RenderableType]:
    from tocsin.model import SPOOLED_FLAG, doubts

    facts = pairs(indent=2)
    facts.add_row("received", f"{moment(found['created_at'])}  ({ago(found['created_at'])})")
    if found["error_message"]:
        facts.add_row("because", Text(found["error_message"]))
    if SPOOLED_FLAG in found["flags"]:
        facts.add_row("spooled", f"until {moment(found['processed_at'])}: the database was away")
    if doubtful := doubts(found["flags"]):
        facts.add_row("doubts", ", ".join(doubtful))
    for name in ("idempotency_key", "duplicate_of_id", "replay_of_id"):
        if found[name]:
            facts.add_row(name.removesuffix("_id").replace("_", " "), Text(found[name]))
    for alert_id in found["alert_ids"]:
        facts.add_row("alert", alert_id)
    headers = pairs(indent=2)
    for name, value in sorted(found["headers"].items()):
        headers.add_row(name, Text(str(value)))
    return [
        Text.assemble((str(found["status_code"]), "bold"), " ", status_text(found["outcome"])),
        facts,
        section("Headers"),
        headers,
        section("Body"),
        Padding(document(found["raw_payload"]), (0, 0, 0, 2)),
    ]


def _remarks(found: Any) -> Text:
    remarks = Text(found["error_message"] or "")
    if found["flags"]:
        remarks.append(("  " if remarks else "") + ", ".join(found["flags"]), style="yellow")
    return remarks
