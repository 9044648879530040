"""`tocsin audit`: who did what to which object."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from tocsin.cli.kit.output import Json, is_answered, moment, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table


def audit(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1)] = 20,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List who did what to which object, newest first."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.items("/audit-events", limit)
    if is_answered(found, json, "Nobody has changed anything yet."):
        return
    made = table("when", "who", "did", "what", "changed", "id")
    for each in found:
        changed = sorted((each["after"] or {}) if each["before"] else {})
        made.add_row(
            moment(each["at"]),
            Text(each["actor"]["name"]),
            each["action"],
            each["object_type"].replace("_", " "),
            Text(", ".join(changed)),
            each["object_id"] or "",
        )
    show(made)
