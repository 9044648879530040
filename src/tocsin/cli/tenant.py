"""`tocsin tenant`: whose alerts they are, within a workspace."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.output import Json, print_json, show, table
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace

app = typer.Typer(no_args_is_help=True, help="Make and list tenants: customers, teams, sites.")


@app.command()
def create(
    slug: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    name: Annotated[str | None, typer.Option(help="What people read.")] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make a tenant. Payloads may name it by its slug; integrations and rules by its id."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace) as api:
        made = api.post("/tenants", {"slug": slug, "name": name or slug})
    if json:
        print_json(made)
    else:
        show(Text.assemble("Made ", (slug, "bold"), f"  {made['id']}"))


@app.command("list")
def list_all(workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """List the tenants of a workspace."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items("/tenants", limit=10_000)
    if json:
        print_json(found)
        return
    made = table("slug", "name", "id")
    for each in found:
        made.add_row(each["slug"], Text(each["name"]), each["id"])
    show(made)


named.offer(
    app,
    named.NamedKind("/tenants", "tenant"),
    show="Show one tenant.",
    edit="Change a tenant, by --set, from a file, or in your editor.",
    delete="Delete a tenant that nothing names; past alerts still show it.",
)
