"""`tocsin policy`: who is reached, step by step, until somebody answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import severity_name
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, is_answered, note, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.policy_body import TARGETS, policy_body
from tocsin.cli.policy_view import show_forecast, show_policy, show_readiness, step_words
from tocsin.model import Severity

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

app = typer.Typer(no_args_is_help=True, help="Page people step by step, until somebody answers.")

Name = Annotated[str, typer.Argument(metavar="POLICY", help="The policy's name or id, or `last`.")]
Steps = Annotated[
    list[str] | None,
    typer.Option(
        "--step",
        metavar="TARGET[,…]",
        help="`schedule:NAME`, `user:EMAIL` or `destination:NAME`; once for each step.",
    ),
]
Waits = Annotated[
    list[str] | None,
    typer.Option(
        "--wait",
        metavar="SPAN",
        help="How long steps wait for an answer: once for all of them, or once for each; else 5m.",
    ),
]
RoundRobin = Annotated[
    list[int] | None,
    typer.Option(
        metavar="STEP", help="This step (1, 2, …) asks one of its targets, in turn; repeatable."
    ),
]
Repeat = Annotated[int | None, typer.Option(min=0, max=9, help="How often all steps are repeated.")]
Last = Annotated[
    str | None,
    typer.Option(
        "--then",
        metavar="DESTINATION",
        help="Notified when nobody has answered; `-`: the workspace's fallback, as without it.",
    ),
]
AckTimeout = Annotated[
    str | None,
    typer.Option(
        metavar="SPAN",
        help="When an acknowledgement expires; `never`, or `default`: 30m for CRITICAL and HIGH.",
    ),
]
File = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="FILE",
        help="Members as JSON, as `show --json` has them; `-` is standard input.",
    ),
]

_PATH = "/escalation-policies"
_KIND = "escalation policy"


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people read.")],
    step: Steps = None,
    wait: Waits = None,
    round_robin: RoundRobin = None,
    repeat: Repeat = None,
    then: Last = None,
    ack_timeout: AckTimeout = None,
    file: File = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a policy, such as `--step schedule:primary --step user:ben@example.org`."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        body = policy_body(api, step, wait, round_robin, repeat, then, ack_timeout, file)
        if "steps" not in body:
            raise Failure("say who is reached: --step schedule:NAME, say", code=Exit.USAGE)
        made = api.post(_PATH, {**body, "name": name})
        warnings = _warnings(api, made)
    if json:
        print_json(made)
        return
    show(Text.assemble("Made ", (name, "bold"), f"  {made['id']}"))
    for warning in warnings:
        note(warning)


def _warnings(api: ApiClient, policy: Any) -> list[str]:
    """Who may sleep on: best known while somebody looks."""
    found: list[str] = api.get(f"{_PATH}/{policy['id']}/readiness")["warnings"]
    return found


@app.command()
def edit(
    name: Name,
    new_name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="What people read from now on.")
    ] = None,
    step: Steps = None,
    wait: Waits = None,
    round_robin: RoundRobin = None,
    repeat: Repeat = None,
    then: Last = None,
    ack_timeout: AckTimeout = None,
    file: File = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Change a policy: steps that are given replace all of them. What runs ends as it began."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace) as api:
        found = by_name(api, _PATH, _KIND, name)
        body = policy_body(api, step, wait, round_robin, repeat, then, ack_timeout, file)
        if new_name is not None:
            body["name"] = new_name
        if not body:
            raise Failure("say what is to change: --step, --repeat, --then, …", code=Exit.USAGE)
        changed = api.patch(f"{_PATH}/{found['id']}", body)
        warnings = _warnings(api, changed)
    if json:
        print_json(changed)
        return
    show(Text.assemble((changed["name"], "bold"), f" is at version {changed['version']}."))
    for warning in warnings:
        note(warning)


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List the policies."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit=10_000)
        rules = api.items("/alert-rules", limit=10_000)
        names = _names(api, found)
    if is_answered(found, json, "There is no escalation policy: nobody is paged step by step."):
        return
    made = table("name", "steps", "rules", "id")
    for each in found:
        using = [rule["name"] for rule in rules if rule["escalation_policy_id"] == each["id"]]
        made.add_row(
            Text(each["name"]),
            Text(" → ".join(step_words(step, names) for step in each["steps"])),
            Text(", ".join(using)) if using else Text("none", style="yellow"),
            each["id"],
        )
    show(made)


def _names(api: ApiClient, policies: list[Any]) -> dict[str, str]:
    """By id, of all that is a target of these policies."""
    from tocsin.cli.kit.lookup import names_by_id

    kinds = {
        target["type"] for each in policies for step in each["steps"] for target in step["targets"]
    }
    if any(each["on_exhausted_destination_id"] for each in policies):
        kinds.add("destination")
    names: dict[str, str] = {}
    for kind in sorted(kinds):
        names |= names_by_id(api, TARGETS[kind])
    return names


@app.command("show")
def show_one(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Show a policy, step by step."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, _PATH, _KIND, name)
        names = _names(api, [found])
    if json:
        print_json(found)
    else:
        show_policy(found, names)


@app.command()
def preview(
    name: Name,
    severity: Annotated[Severity, typer.Option(case_sensitive=False)] = Severity.CRITICAL,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "-l", metavar="NAME=VALUE", help="Of the alert; repeatable."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="2026-03-31T02:00, in --timezone; else now."),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Of --at, and of the answer; else the schedule's."),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show who would be woken when, if an alert opened then and nobody answered."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name
    from tocsin.cli.kit.zoned import instant

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, _PATH, _KIND, name)
        path = f"{_PATH}/{found['id']}/preview"
        if at is not None:
            at = instant(at, timezone or api.get(path)["timezone"], "--at")
        asked = {"severity": severity_name(severity), "labels": label or None, "at": at}
        result = api.get(path, **asked)
    if json:
        print_json(result)
    else:
        show_forecast(result, timezone or result["timezone"])


@app.command()
def readiness(name: Name, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Show whether everybody it can reach would be woken. Exit code 1 if somebody might not."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=True) as api:
        found = by_name(api, _PATH, _KIND, name)
        result = api.get(f"{_PATH}/{found['id']}/readiness")
    if json:
        print_json(result)
    else:
        show_readiness(result)
    if not result["is_ready"]:
        raise typer.Exit(Exit.FAILED)


named.offer(
    app,
    named.NamedKind(_PATH, _KIND),
    delete="Delete a policy that no rule names; what runs by it goes on to its end.",
)
