"""`tocsin inhibition`: which alerts hold which others while they are live."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import condition, matchers, span
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, is_answered, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.rule import show_preview

app = typer.Typer(
    no_args_is_help=True, help="Hold alerts while another, on which they depend, is live."
)

_PATH = "/inhibition-rules"


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people read.")],
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=VALUE", help="What holds others; also != =~ !~; repeatable."),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL=VALUE", help="What is held; repeatable."),
    ] = None,
    equal: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="What both have, with the same value; repeatable."),
    ] = None,
    delay: Annotated[
        str, typer.Option(metavar="SPAN", help="A target waits so long for a source.")
    ] = "30s",
    grace: Annotated[
        str, typer.Option(metavar="SPAN", help="So long after the last source it is held.")
    ] = "60s",
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show which past alerts it would have held.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a rule: while a source is live, its targets are held."""
    from tocsin.cli.calling.choose import open_api

    if not source or not target:
        raise Failure("say what holds, and what is held: --source, --target", code=Exit.USAGE)
    body = {
        "name": name,
        "source_matchers": matchers(source),
        "target_matchers": matchers(target),
        "equal": equal or [],
        "delay_seconds": int(span(delay, "--delay").total_seconds()),
        "grace_seconds": int(span(grace, "--grace").total_seconds()),
    }
    with open_api(workspace, only_reads=preview) as api:
        made = api.post(f"{_PATH}/preview" if preview else _PATH, body)
    if json:
        print_json(made)
    elif preview:
        show_preview(made, days=7)
    else:
        show(Text.assemble("Made ", (name, "bold"), f"  {made['id']}"))


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List the rules."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit=10_000)
    if is_answered(found, json, "No alert holds another."):
        return
    made = table("name", "while", "hold", "with the same", "enabled", "id")
    for each in found:
        made.add_row(
            Text(each["name"]),
            Text(condition({"matchers": each["source_matchers"]})),
            Text(condition({"matchers": each["target_matchers"]})),
            Text(", ".join(each["equal"])),
            "yes" if each["is_enabled"] else Text("no", style="yellow"),
            each["id"],
        )
    show(made)


named.offer(
    app,
    named.NamedKind(_PATH, "inhibition rule"),
    show="Show one rule.",
    edit="Change a rule, by --set, from a file, or in your editor.",
    enable="Switch a rule on.",
    disable="Switch a rule off; what only it held is looked at at once.",
    delete="Delete a rule; what only it held is looked at at once.",
)
