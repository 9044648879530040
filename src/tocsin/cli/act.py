"""`tocsin act`: what a person does to an alert."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import AlertId, one_of, span
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.kit.output import Json, print_json, show, status_text
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.model import Action, iso, utc_now


def act(
    action: Annotated[Action, typer.Argument(metavar="ACTION", help=one_of(Action))],
    alert_id: AlertId,
    note: Annotated[str | None, typer.Option(help="Kept in the timeline.")] = None,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="SPAN", help="To snooze or acknowledge so long: 30m, 2h…"),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Acknowledge (or not, after all), resolve, close, reopen or snooze an alert, or note something."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import alert_id as found_id

    if action is Action.NOTE and not note:
        raise Failure("say what to note: --note TEXT", code=Exit.USAGE)
    if action is Action.SNOOZE and duration is None:
        raise Failure("say how long: --for 2h", code=Exit.USAGE)
    if action not in (Action.SNOOZE, Action.ACKNOWLEDGE) and duration is not None:
        raise Failure("--for is for snooze and acknowledge", code=Exit.USAGE)
    body: dict[str, str] = {"note": note} if note else {}
    if duration is not None:
        body["until"] = iso(utc_now() + span(duration, "--for"))
    with open_api(workspace) as api:
        found = api.post(f"/alerts/{found_id(api, alert_id)}/{action.value}", body or None)
    if json:
        print_json(found)
    else:
        show(Text.assemble(status_text(found["status"]), f"  {found['title']}"))
