"""`tocsin workspace`: worlds that see nothing of each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.kit import named
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, note, print_json, print_plain, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table

if TYPE_CHECKING:
    from tocsin.cli.calling.client import ApiClient

app = typer.Typer(no_args_is_help=True, help="Make, list and change workspaces.")

_PATH = "/workspaces"

Slug = Annotated[str, typer.Argument(metavar="[SLUG]", help="Which; left out, it is `default`.")]


@app.command()
def create(
    slug: Annotated[
        str, typer.Argument(metavar="SLUG", help="Lower-case letters, digits and hyphens.")
    ],
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


@app.command()
def set_fallback(
    destination: Annotated[
        str | None, typer.Argument(metavar="DESTINATION", help="Its name or id.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="From now on there is no fallback.")] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Say which destination is notified when another keeps failing, or a message was given up."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    if (destination is None) is not none:
        raise Failure("say which: a destination, or --none", code=Exit.USAGE)
    with open_api(workspace) as api:
        wanted = None
        if destination is not None:
            wanted = by_name(api, "/alert-destinations", "destination", destination)
        own = api.items("/workspaces", limit=1)[0]
        changed = api.patch(
            f"/workspaces/{own['id']}",
            {"fallback_destination_id": None if wanted is None else wanted["id"]},
        )
    if json:
        print_json(changed)
    elif wanted is None:
        note(f"{own['slug']} has no fallback: when messages are given up, only the log says so.")
    else:
        note(f"{wanted['name']} is the fallback of {own['slug']}.")


@app.command("list")
def list_all(json: Json = False) -> None:
    """List all workspaces of this installation; with --server those that the key may know of."""
    from tocsin.cli.calling.choose import asks_elsewhere, open_api
    from tocsin.cli.kit.runtime import open_installation
    from tocsin.model import iso
    from tocsin.store.installation import list_workspaces

    if asks_elsewhere():
        with open_api(DEFAULT_WORKSPACE) as api:
            found = api.items("/workspaces", limit=10_000, all="true")
        _show_all(found, json)
        return
    with open_installation(only_reads=True) as installation:
        found = list_workspaces(installation.url)
    _show_all(
        [{**row, "id": str(row["id"]), "created_at": iso(row["created_at"])} for row in found], json
    )


@app.command("show")
def show_one(slug: Slug = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Show one workspace, its fallback by name."""
    from tocsin.cli.calling.choose import open_api

    with open_api(slug, only_reads=True) as api:
        found = _own(api, slug)
        names = {} if json else named.names_in(api, found)
    if json:
        print_json(found)
    else:
        named.show_document(found, names)


@app.command()
def edit(
    slug: Slug = DEFAULT_WORKSPACE,
    assign: named.Assign = None,
    file: named.FromFile = None,
    json: Json = False,
) -> None:
    """Change a workspace, by --set, from a file, or in your editor."""
    from tocsin.cli.calling.choose import open_api

    with open_api(slug) as api:
        made = named.changed(api, f"{_PATH}/{_own(api, slug)['id']}", assign, file)
    named.say_changed(made, json)


def _own(api: ApiClient, slug: str) -> Any:
    """The workspace that the API shows us; elsewhere it is that of the key, whatever was said."""
    own = api.items(_PATH, limit=1)[0]
    if slug not in (own["slug"], DEFAULT_WORKSPACE):
        raise Failure(f"the API key is of the workspace {own['slug']}", code=Exit.NOT_FOUND)
    return own


def _show_all(found: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json(found)
        return
    counts = [each for each in ("integrations", "live_alerts") if found and each in found[0]]
    made = table("slug", "name", *(each.replace("_", " ") for each in counts), "id")
    for row in found:
        made.add_row(row["slug"], row["name"], *(str(row[each]) for each in counts), row["id"])
    show(made)
