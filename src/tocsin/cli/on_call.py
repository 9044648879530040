"""`tocsin on-call`: who is on call, everywhere."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.kit.output import Json, ago, is_answered, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.schedule_words import because, instant


def on_call(
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="2026-12-24T09:00 in UTC, or with offset.")
    ] = None,
    by_user: Annotated[
        bool, typer.Option("--by-user", help="People, with their schedules.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show who is on call, on which schedule, until when and why."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        when = None if at is None else instant(at, "UTC", "--at")
        found = api.get("/on-call", at=when)
    if json:
        print_json(found)
        return
    if is_answered(found["items"], False, "There is no schedule: tocsin schedule create NAME USER"):
        return
    if by_user:
        made = table("who", "schedule", "until")
        for user in found["users"]:
            for each in user["schedules"]:
                made.add_row(Text(user["name"]), Text(each["name"]), ago(each["until"]))
        show(made)
        return
    made = table("schedule", "on call", "until", "because")
    for each in found["items"]:
        for shift in each["on_call"]:
            made.add_row(
                Text(each["name"]),
                Text(shift["name"]),
                ago(shift["ends_at"]),
                Text(because(shift["cause"])),
            )
        if not each["on_call"]:
            made.add_row(Text(each["name"]), Text("nobody", style="red"), "", "a gap")
    show(made)
