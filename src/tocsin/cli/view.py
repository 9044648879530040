"""`tocsin view`: filters of the list of alerts that have a name."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.output import Json, is_answered, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table

app = typer.Typer(no_args_is_help=True, help="Keep filters of the list of alerts under a name.")

_PATH = "/saved-views"


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people read.")],
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="As in the query bar: 'status:open host:db*'.")
    ],
    group_by: Annotated[
        str | None, typer.Option(metavar="LABEL", help="Grouped by this label.")
    ] = None,
    own: Annotated[
        bool, typer.Option("--own", help="For the person whose key it is, not for everybody.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Keep a filter as a view of everybody in the workspace."""
    from tocsin.cli.calling.choose import open_api

    body = {"name": name, "query": query, "group_by": group_by, "is_shared": not own}
    with open_api(workspace) as api:
        made = api.post(_PATH, body)
    if json:
        print_json(made)
    else:
        show(Text.assemble("Made ", (name, "bold"), f"  {made['id']}"))


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List the views, with how many alerts are in each now."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = [api.get(f"{_PATH}/{each['id']}") for each in api.items(_PATH, limit=10_000)]
    if is_answered(found, json, "No view is kept."):
        return
    made = table("name", "alerts", "query", "whose", "id")
    for each in found:
        made.add_row(
            Text(each["name"]),
            f"{each['count']:,}{'+' if each['has_more'] else ''}",
            Text(each["query"]),
            "everybody's" if each["user_id"] is None else "a person's",
            each["id"],
        )
    show(made)


named.offer(
    app,
    named.NamedKind(_PATH, "view"),
    show="Show one view, and how many alerts are in it now.",
    edit="Change a view, by --set, from a file, or in your editor.",
    delete="Delete a view; the alerts in it stay as they are.",
)
