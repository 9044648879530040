"""`tocsin workspace`: worlds that see nothing of each other."""

from __future__ import annotations

from typing import Annotated

import typer

from tocsin.cli.output import Json, note, print_json, print_plain, show, table
from tocsin.cli.runtime import DEFAULT_WORKSPACE

app = typer.Typer(no_args_is_help=True, help="Make and list workspaces.")


@app.command()
def create(
    slug: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    name: Annotated[str | None, typer.Option(help="What people read.")] = None,
    json: Json = False,
) -> None:
    """Make a workspace, with its tenant `default`, and print an admin key of it."""
    from tocsin.cli.calling.choose import open_api

    with open_api(DEFAULT_WORKSPACE) as api:
        made = api.post("/workspaces", {"slug": slug, "name": name or slug})
    if json:
        print_json(made)
        return
    note(f"Made the workspace {slug}. This is its admin key; it is never shown again:")
    print_plain(made["api_key"])


@app.command("list")
def list_all(json: Json = False) -> None:
    """List all workspaces of this installation."""
    from tocsin.cli.runtime import open_installation
    from tocsin.model import iso
    from tocsin.store.installation import list_workspaces

    with open_installation(only_reads=True) as installation:
        found = list_workspaces(installation.url)
    if json:
        print_json(
            [{**row, "id": str(row["id"]), "created_at": iso(row["created_at"])} for row in found]
        )
        return
    made = table("slug", "name", "integrations", "live alerts", "id")
    for row in found:
        made.add_row(
            row["slug"],
            row["name"],
            str(row["integrations"]),
            str(row["live_alerts"]),
            str(row["id"]),
        )
    show(made)
