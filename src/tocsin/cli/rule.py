"""`tocsin rule`: which alerts go where."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import (
    Matchers,
    Unless,
    condition,
    exemptions,
    matchers,
    quiet_window,
    seconds,
    severity_name,
)
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, ago, is_answered, note, print_json, severity_text, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.model import Severity

app = typer.Typer(no_args_is_help=True, help="Make, list and try the rules that name destinations.")

MinSeverity = Annotated[
    Severity | None, typer.Option(case_sensitive=False, help="Alerts at least this bad.")
]

GroupBy = Annotated[
    str | None,
    typer.Option(
        metavar="LABELS",
        help="Gather alerts into one message by these labels, apart by commas; `-`: all of them.",
    ),
]

_PATH = "/alert-rules"
_POLICIES = "/escalation-policies"
_EVENTS = ("triggered", "acknowledged", "resolved", "closed")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people read.")],
    to: Annotated[
        list[str] | None, typer.Option(metavar="DESTINATION", help="Once for each.")
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Page people by this escalation policy, too."),
    ] = None,
    match: Matchers = None,
    unless: Unless = None,
    min_severity: MinSeverity = None,
    on: Annotated[
        str, typer.Option(help=f"Of {', '.join(_EVENTS)}; apart by commas.")
    ] = "triggered,resolved",
    cooldown: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Notify of one alert once in 30m, say.")
    ] = None,
    cooldown_breakthrough: Annotated[
        Severity | None,
        typer.Option(case_sensitive=False, help="Alerts this bad do not wait for the cooldown."),
    ] = None,
    group_by: GroupBy = None,
    group_wait: Annotated[
        str, typer.Option(metavar="SPAN", help="How long the first waits for others.")
    ] = "30s",
    group_interval: Annotated[
        str, typer.Option(metavar="SPAN", help="One message of a group at most in it.")
    ] = "5m",
    group_linger: Annotated[
        str, typer.Option(metavar="SPAN", help="What comes back within it joins again.")
    ] = "10m",
    quiet: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WINDOW", help="Leave alone: `sat,sun 00:00-00:00 Europe/Berlin`; repeatable."
        ),
    ] = None,
    remind_every: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Notify again of what is still open, every 4h, say."),
    ] = None,
    quiet_breakthrough: Annotated[
        Severity | None,
        typer.Option(case_sensitive=False, help="Alerts this bad are sent in quiet hours, too."),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a rule: its destinations are notified of alerts that match it, and people are paged."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    if not to and policy is None:
        raise Failure("say who is notified: --to DESTINATION, or --policy", code=Exit.USAGE)
    with open_api(workspace) as api:
        destinations = [
            by_name(api, "/alert-destinations", "destination", each) for each in to or ()
        ]
        paging = None if policy is None else by_name(api, _POLICIES, "escalation policy", policy)
        made = api.post(
            _PATH,
            {
                "name": name,
                "event_types": [f"alerts.{each.strip()}" for each in on.split(",")],
                "min_severity": severity_name(min_severity),
                "matchers": matchers(match),
                "unless": exemptions(unless),
                "destination_ids": [each["id"] for each in destinations],
                "escalation_policy_id": paging and paging["id"],
                "cooldown_seconds": seconds(cooldown, "--cooldown"),
                "remind_every_seconds": seconds(remind_every, "--remind-every"),
                "cooldown_breakthrough_severity": severity_name(cooldown_breakthrough),
                "group_by": _labels(group_by),
                "group_wait_seconds": seconds(group_wait, "--group-wait"),
                "group_interval_seconds": seconds(group_interval, "--group-interval"),
                "group_linger_seconds": seconds(group_linger, "--group-linger"),
                "quiet_hours": [
                    quiet_window(each, severity_name(quiet_breakthrough)) for each in quiet or ()
                ],
            },
        )
    if json:
        print_json(made)
    else:
        show(Text.assemble("Made ", (name, "bold"), f"  {made['id']}"))


def _labels(text: str | None) -> list[str] | None:
    """None: it does not gather; `-` is one group of all."""
    if text is None or text.strip() == "-":
        return None if text is None else []
    return [each.strip() for each in text.split(",") if each.strip()]


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List rules in the order in which they are applied."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import names_by_id

    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit=10_000)
        names = names_by_id(api, "/alert-destinations")
        if any(each["escalation_policy_id"] for each in found):
            policies = api.items(_POLICIES, limit=10_000)
            names |= {each["id"]: f"policy {each['name']}" for each in policies}
    found.sort(key=lambda rule: (rule["position"], rule["name"]))
    if is_answered(
        found,
        json,
        "There is no rule yet: nobody is notified of anything. `tocsin rule create` makes one.",
    ):
        return
    made = table("name", "on", "if", "to", "enabled", "id")
    for rule in found:
        made.add_row(
            Text(rule["name"]),
            ", ".join(each.removeprefix("alerts.") for each in rule["event_types"]),
            Text(condition(rule)),
            Text(", ".join(names.get(each, "(deleted)") for each in _named(rule))),
            "yes" if rule["is_enabled"] else Text("no", style="yellow"),
            rule["id"],
        )
    show(made)


def _named(rule: Any) -> list[str]:
    """The ids of its destinations and of its policy."""
    policy = rule["escalation_policy_id"]
    return [*rule["destination_ids"], *([policy] if policy else [])]


@app.command()
def preview(
    match: Matchers = None,
    unless: Unless = None,
    min_severity: MinSeverity = None,
    group_by: GroupBy = None,
    days: Annotated[int, typer.Option(min=1, max=90)] = 7,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show which past alerts a rule would have notified of. Nothing is made or sent."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        result = api.post(
            f"{_PATH}/preview",
            {
                "min_severity": severity_name(min_severity),
                "matchers": matchers(match),
                "unless": exemptions(unless),
                "group_by": _labels(group_by),
                "days": days,
            },
        )
    if json:
        print_json(result)
    else:
        show_preview(result, days)


named.offer(
    app,
    named.NamedKind(_PATH, "rule"),
    show="Show one rule, its destinations by name.",
    edit="Change a rule, by --set, from a file, or in your editor.",
    enable="Switch a rule on.",
    disable="Switch a rule off; what it has planned is still delivered.",
    delete="Delete a rule; what it has planned is still delivered.",
)


def show_preview(result: Any, days: int) -> None:
    """What a rule or a silence would have concerned."""
    matched, considered = result["matched"], result["considered"]
    note(
        f"In the last {days} {'day' if days == 1 else 'days'}: {matched} of {considered} alerts match,"
        f" {result['over_soon']} of them over within 3 min."
    )
    if result.get("groups") is not None:
        note(f"They make {result['groups']} {'group' if result['groups'] == 1 else 'groups'}.")
    if not result["items"]:
        return
    made = table("severity", "title", "source", "triggered", "id")
    for each in result["items"]:
        made.add_row(
            severity_text(each["severity"]),
            Text(each["title"]),
            Text(each["source"]),
            ago(each["triggered_at"]),
            each["alert_id"],
        )
    show(made)
