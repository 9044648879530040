"""`tocsin silence`: alerts of which nobody is notified for a while, and why."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.kit import named
from tocsin.cli.kit.arguments import (
    Breakthrough,
    Matchers,
    SilenceId,
    condition,
    matchers,
    severity_name,
    span,
)
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, ago, answer, is_answered, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.rule import show_preview
from tocsin.model import iso, utc_now

app = typer.Typer(no_args_is_help=True, help="Mute alerts for a while; they are still on record.")

_PATH = "/silences"


@app.command()
def create(
    match: Matchers = None,
    duration: Annotated[str, typer.Option("--for", metavar="SPAN", help="30m, 2h, 1d…")] = "2h",
    comment: Annotated[str | None, typer.Option("--comment", "-c", help="Why.")] = None,
    breakthrough: Breakthrough = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only show which past alerts it would have muted.")
    ] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Mute the alerts that match, from now on."""
    from tocsin.cli.calling.choose import open_api

    if not match:
        raise Failure("say which alerts: --match LABEL=VALUE", code=Exit.USAGE)
    ends_at = iso(utc_now() + span(duration, "--for"))
    if preview:
        with open_api(workspace, only_reads=True) as api:
            result = api.post(f"{_PATH}/preview", {"matchers": matchers(match)})
        if json:
            print_json(result)
        else:
            show_preview(result, days=7)
        return
    if not comment:
        raise Failure("say why, for those who wonder: --comment TEXT", code=Exit.USAGE)
    with open_api(workspace) as api:
        made = api.post(
            _PATH,
            {
                "matchers": matchers(match),
                "ends_at": ends_at,
                "comment": comment,
                "breakthrough_severity": severity_name(breakthrough),
            },
        )
    if json:
        print_json(made)
    else:
        show(Text(f"Muted until {made['ends_at']}  {made['id']}"))


@app.command("list")
def list_all(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List silences that are, or will be, in force."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items(_PATH, limit=1_000)
    if not everything:
        found = [each for each in found if each["state"] != "expired"]
    if is_answered(found, json, "Nothing is muted."):
        return
    made = table("state", "if", "ends", "author", "comment", "id")
    for each in found:
        made.add_row(
            each["state"],
            Text(condition(each)),
            ago(each["ends_at"]),
            Text(each["author"]),
            Text(each["comment"]),
            each["id"],
        )
    show(made)


@app.command()
def expire(
    silence_id: SilenceId, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False
) -> None:
    """End a silence now."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace) as api:
        place = f"{_PATH}/{one_id(api, _PATH, 'silence', silence_id)}"
        api.delete(place)
        ended = api.get(place)
    answer(ended, json, "It is over: alerts that it muted notify again from now on.")


named.offer(
    app,
    named.NamedKind(_PATH, "silence"),
    show="Show one silence, by its id or `last`.",
    edit="Change a silence, by --set, from a file, or in your editor; it is in force at once.",
)
