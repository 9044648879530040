"""`tocsin act`: what a person does to an alert."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.exits import Exit, Failure
from tocsin.cli.output import Json, print_json, show, status_text
from tocsin.cli.runtime import DEFAULT_WORKSPACE, Workspace


class Deed(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    NOTE = "note"


def act(
    deed: Annotated[Deed, typer.Argument()],
    alert_id: Annotated[
        str, typer.Argument(metavar="ALERT_ID", help="An id, the beginning of one, or `last`.")
    ],
    note: Annotated[str | None, typer.Option(help="Kept in the timeline.")] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Acknowledge, resolve, close or reopen an alert, or note something on it."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.lookup import alert_id as found_id

    if deed is Deed.NOTE and not note:
        raise Failure("say what to note: --note TEXT", code=Exit.USAGE)
    with open_api(workspace) as api:
        found = api.post(
            f"/alerts/{found_id(api, alert_id)}/{deed.value}", {"note": note} if note else None
        )
    if json:
        print_json(found)
    else:
        show(Text.assemble(status_text(found["status"]), f"  {found['title']}"))
