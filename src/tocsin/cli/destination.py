"""`tocsin destination`: where people are notified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import assignments, read_json
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, is_answered, note, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.kit.trials import Wait, last_test, run_test, say_test

if TYPE_CHECKING:
    pass

app = typer.Typer(
    no_args_is_help=True, help="Make, list and test the places where people are notified."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The destination's name or id.")]

_PATH = "/alert-destinations"
_KIND = "destination"


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Such as on-call-mail.")],
    type: Annotated[
        str, typer.Option("--type", "-t", help="Such as email or slack: docs/channels has all.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="NAME=VALUE",
            help="Such as recipients=ada@example.org, once for each; docs/channels says what "
            "each type has. All have a timezone.",
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The whole config as JSON; - is standard input."),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a destination. What is given with --set shows in the list of processes; a file does not."""
    from tocsin.cli.calling.choose import open_api

    document = read_json(config) if config is not None else {}
    if not isinstance(document, dict):
        raise Failure(f"{config} must hold a JSON object", code=Exit.USAGE)
    document |= assignments(settings)
    with open_api(workspace) as api:
        made = api.post(_PATH, {"name": name, "type": type, "config": document})
    if json:
        print_json(made)
        return
    show(Text.assemble("Made ", (name, "bold"), f"  {made['id']}"))
    if made.get("signing_secret"):
        show(Text.assemble("It signs with ", (made["signing_secret"], "bold")))
        note("The receiver verifies with it. It is not shown again.")
    note(f"Try it: tocsin destination test {name}")


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List destinations, and how their last test went."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit=10_000)
    if is_answered(
        found,
        json,
        "There is no destination yet; `tocsin destination create NAME --type …` makes one.",
    ):
        return
    made = table("name", "type", "enabled", "last test", "id")
    for each in found:
        made.add_row(
            Text(each["name"]),
            each["type"],
            "yes" if each["is_enabled"] else Text("no", style="yellow"),
            last_test(each["last_test"]),
            each["id"],
        )
    show(made)


@app.command("test")
def send_test(
    name: Name,
    wait: Wait = 15.0,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Send a test message the way a real alert is sent.

    Exit code 0 if it was sent, 1 if it failed, 4 if nobody has sent it yet.
    """
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace) as api:
        path = f"{_PATH}/{by_name(api, _PATH, _KIND, name)['id']}"
        result = run_test(api, path, wait)
    say_test(result, json=json)


named.offer(
    app,
    named.NamedKind(_PATH, _KIND),
    show="Show one destination; its secrets are hidden.",
    edit="Change a destination, by --set, from a file, or in your editor.",
    enable="Switch a destination on.",
    disable="Switch a destination off: what is pending for it is suppressed, with the reason on record.",
    delete="Delete a destination that no rule names.",
)
