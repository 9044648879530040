"""`tocsin alerts` lists, `tocsin alert ID` shows one with its timeline and the messages about it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tocsin.cli.delivery import addressee, why
from tocsin.cli.kit.arguments import AlertId
from tocsin.cli.kit.output import (
    Json,
    ago,
    clock,
    moment,
    note,
    out,
    print_json,
    section,
    severity_text,
    show,
    status_text,
)
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import Rows, document, pairs, table
from tocsin.model import AlertStatus, Severity

_PAYLOADS = 3
"""Webhook deliveries whose bodies are shown; the ids of all of them are."""


def alerts(
    status: Annotated[
        list[AlertStatus] | None, typer.Option(case_sensitive=False, help="Any of these.")
    ] = None,
    severity: Annotated[
        list[Severity] | None, typer.Option(case_sensitive=False, help="Any of these.")
    ] = None,
    q: Annotated[
        str | None, typer.Option("--search", "-q", help="Text in title, source or id.")
    ] = None,
    flapping: Annotated[
        bool, typer.Option("--flapping", help="Only those that keep coming and going.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 20,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List alerts, newest first."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items(
            "/alerts",
            limit,
            status=[each.value for each in status or []],
            severity=[each.value for each in severity or []],
            q=q,
            is_flapping="true" if flapping else None,
        )
    if json:
        print_json(found)
    elif not found:
        note(
            "No alert matches." if status or severity or q or flapping else "There is no alert yet."
        )
    elif out().is_terminal:
        show(_for_people(found))
    else:
        show(_for_pipes(found))


def _for_people(found: list[Any]) -> Table:
    made = table("severity", "alert", "status", "source", "when", "×")
    for alert in found:
        made.add_row(
            severity_text(alert["severity"]),
            Text.assemble(alert["title"], "\n", (alert["id"], "bright_black")),
            status_text(alert["status"]),
            Text(alert["source"], style="bright_black"),
            ago(alert["triggered_at"]),
            str(alert["occurrence_count"]),
        )
    return made


def _for_pipes(found: list[Any]) -> Table:
    made = table("id", "severity", "status", "when", "×", "source", "title")
    for alert in found:
        made.add_row(
            alert["id"],
            alert["severity"],
            alert["status"],
            alert["triggered_at"],
            str(alert["occurrence_count"]),
            Text(alert["source"]),
            Text(alert["title"]),
        )
    return made


def alert(
    alert_id: AlertId,
    payload: Annotated[
        bool, typer.Option("--payload", help="Also the bodies of the webhooks it was made of.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show one alert: what it is, its timeline, and what was sent to whom. Example: tocsin alert last"""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import alert_id as found_id
    from tocsin.cli.kit.lookup import names_by_id

    with open_api(workspace, only_reads=True) as api:
        identifier = found_id(api, alert_id)
        found = api.get(f"/alerts/{identifier}")
        timeline = api.items(f"/alerts/{identifier}/timeline", limit=1_000)
        messages = api.items("/alert-deliveries", limit=200, alert_id=identifier)
        named = names_by_id(api, "/alert-destinations") if messages and not json else {}
        deliveries, whole = [], []
        if payload or json:
            deliveries = api.items("/webhook-deliveries", limit=200, alert_id=identifier)
            shown = deliveries[-_PAYLOADS:][::-1]
            whole = [api.get(f"/webhook-deliveries/{each['id']}") for each in shown]
    if json:
        print_json(
            {
                "alert": found,
                "timeline": timeline,
                "alert_deliveries": messages,
                "webhook_deliveries": whole,
            }
        )
        return
    show(
        Group(
            *headline(found),
            section("Timeline"),
            Padding(_timeline(timeline), (0, 0, 0, 2)),
            section("Messages"),
            Padding(_messages(messages, named), (0, 0, 0, 2)),
            *_payloads(whole, len(deliveries)),
        )
    )


def headline(found: Any) -> list[RenderableType]:
    """The alert in a few lines."""
    facts = pairs(indent=2)
    facts.add_row("status", status_text(found["status"]))
    facts.add_row("source", Text(found["source"]))
    facts.add_row("triggered", f"{moment(found['triggered_at'])}  ({ago(found['triggered_at'])})")
    for name in ("acknowledged", "resolved", "closed"):
        if found[f"{name}_at"] is not None:
            facts.add_row(name, moment(found[f"{name}_at"]))
    if found["status"] == "ACKNOWLEDGED" and found["acknowledged_until"] is not None:
        facts.add_row("open again", moment(found["acknowledged_until"]))
    if found["flapping_since"] is not None:
        facts.add_row("flapping", f"since {moment(found['flapping_since'])}")
    facts.add_row("seen", f"{found['occurrence_count']} ×, last {ago(found['last_received_at'])}")
    if found["external_id"] is not None:
        facts.add_row("external id", Text(found["external_id"]))
    if found["labels"]:
        facts.add_row("labels", _labels(found["labels"]))
    facts.add_row("id", found["id"])
    lines: list[RenderableType] = [
        Text.assemble(severity_text(found["severity"]), "  ", (found["title"], "bold")),
    ]
    if found["description"]:
        lines.append(Padding(Text(found["description"]), (0, 0, 0, 2)))
    return [*lines, facts]


def _labels(labels: dict[str, str]) -> Text:
    shown = [
        Text.assemble((name, "bright_black"), ("=", "bright_black"), value)
        for name, value in sorted(labels.items())
    ]
    return Text("  ").join(shown)


def _timeline(events: list[Any]) -> Table:
    made = Rows.grid(padding=(0, 2))
    for _ in range(4):
        made.add_column()
    for event in events:
        detail = {name: value for name, value in event["detail"].items() if value not in (None, "")}
        made.add_row(
            Text(clock(event["at"]), style="bright_black", no_wrap=True),
            Text(event["kind"].replace("_", " ")),
            Text(event["actor"]["name"], style="bright_black"),
            Text("  ".join(f"{name}={value}" for name, value in detail.items())),
        )
    return made


def _messages(messages: list[Any], named: dict[str, str]) -> RenderableType:
    """What was, or is to be, sent to whom; oldest first, as the timeline is."""
    if not messages:
        return Text("none: `tocsin explain` says why", style="bright_black")
    made = Rows.grid(padding=(0, 2))
    for _ in range(5):
        made.add_column()
    for each in reversed(messages):
        made.add_row(
            Text(clock(each["sent_at"] or each["created_at"])[:8], style="bright_black"),
            status_text(each["status"]),
            Text(addressee(each, named)),
            Text(each["event_type"].removeprefix("alerts.")),
            Text(each["last_error_message"] or why(each), style="bright_black"),
        )
    return made


def _payloads(deliveries: list[Any], total: int) -> list[RenderableType]:
    lines: list[RenderableType] = []
    for each in deliveries:
        head = Text.assemble(
            (clock(each["created_at"]), "bright_black"),
            "  ",
            str(each["status_code"]),
            " ",
            status_text(each["outcome"]),
            "  ",
            (each["id"], "bright_black"),
        )
        lines += [section("Webhook delivery"), Padding(head, (0, 0, 0, 2))]
        lines.append(Padding(document(each["raw_payload"]), (0, 0, 0, 2)))
    if total > len(deliveries):
        lines.append(Text(f"  and {total - len(deliveries)} more", style="bright_black"))
    return lines
