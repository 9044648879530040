"""`tocsin tenant`: whose alerts they are, within a workspace."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.output import SEVERITY_STYLES, Json, ago, is_answered, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table

app = typer.Typer(no_args_is_help=True, help="Make and list tenants: customers, teams, sites.")


@app.command()
def create(
    slug: Annotated[
        str, typer.Argument(metavar="SLUG", help="Lower-case letters, digits and hyphens.")
    ],
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


@app.command()
def board(
    q: Annotated[str | None, typer.Option("--find", help="Text in name or slug.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 50,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show how each tenant stands, the worst first: what is live, who has it, what does not work."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items("/tenant-board", limit, q=q)
    if is_answered(found, json, "No tenant is called that."):
        return
    made = table("tenant", "live", "longest with nobody", "with", "last heard", "does not work")
    for each in found:
        oldest = each["oldest_open"]
        made.add_row(
            Text(each["slug"]),
            _live(each),
            Text(f"{ago(oldest['triggered_at'])}: {oldest['title']}" if oldest else ""),
            Text(", ".join(each["held_by"])),
            ago(each["last_heard_at"]) if each["last_heard_at"] else "—",
            Text(_troubles(each)),
        )
    show(made)


def _live(each: dict[str, Any]) -> Text:
    """`2 CRITICAL, 1 HIGH`."""
    parts = [
        Text(f"{count:,} {severity}", style=SEVERITY_STYLES.get(severity, ""))
        for severity, count in each["live"].items()
        if count
    ]
    words = Text(", ").join(parts) if parts else Text("quiet")
    return words.append(" and more") if each["has_more"] else words


def _troubles(each: dict[str, Any]) -> str:
    found = [f"{name} silent" for name in each["silent_sources"]]
    for member, words in (
        ("missed_heartbeats", "heartbeats missed"),
        ("failed_messages", "messages not delivered"),
        ("stuck_messages", "messages held up"),
    ):
        if each[member]:
            found.append(f"{each[member]:,} {words}")
    return ", ".join(found)


named.offer(
    app,
    named.NamedKind("/tenants", "tenant"),
    show="Show one tenant.",
    edit="Change a tenant, by --set, from a file, or in your editor.",
    delete="Delete a tenant that nothing names; past alerts still show it.",
)
