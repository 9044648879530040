"""`tocsin schedule calendar`: shifts in a calendar program."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.output import Json, is_answered, note, print_json, show
from tocsin.cli.kit.people import user_id
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.schedule_words import KIND, PATH


def calendar(
    name: Annotated[
        str | None, typer.Argument(metavar="[SCHEDULE]", help="Left out: of all, with --user.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="USER", help="Only this one's shifts.")
    ] = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "calendar",
    revoke: Annotated[str | None, typer.Option(metavar="FEED_ID", help="End an address.")] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Make an address for a calendar to subscribe to; alone, list those there are."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace, only_reads=name is None and user is None and revoke is None) as api:
        if revoke is not None:
            api.delete(f"/calendar-feeds/{revoke}")
            note("Its address no longer works.")
            return
        if name is None and user is None:
            _list_feeds(api.items("/calendar-feeds", limit=1_000), json)
            return
        body: dict[str, Any] = {"name": label}
        if name is not None:
            body["schedule_id"] = by_name(api, PATH, KIND, name)["id"]
        if user is not None:
            body["user_id"] = user_id(api, user)
        made = api.post("/calendar-feeds", body)
    if json:
        print_json(made)
        return
    show(Text(made["url"]))
    note("Subscribe to it in a calendar. Whoever has it can read it; it is not shown again.")


def _list_feeds(found: list[Any], json: bool) -> None:
    if is_answered(found, json, "There is no calendar feed."):
        return
    made = table("name", "last used", "id")
    for each in found:
        made.add_row(Text(each["name"]), each["last_used_at"] or "never", each["id"])
    show(made)
