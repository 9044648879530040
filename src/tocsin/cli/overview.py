"""`tocsin overview`: the last days in numbers, and which rules would be quieter with a wait."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.output import Json, print_json, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table


def overview(
    days: Annotated[int, typer.Option("--days", "-d", min=1, max=90, help="So far back.")] = 7,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show what came, what was noise, and how long it took to take on and to end."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.get("/overview", days=days)
    if json:
        print_json(found)
        return
    show(Text(_in_short(found["totals"], days)))
    if found["noisiest_alerts"]:
        made = table("came", "over in 3 min", "source", "alert")
        for each in found["noisiest_alerts"]:
            made.add_row(
                str(each["count"]),
                str(each["over_soon"]),
                Text(each["source"]),
                Text(each["title"]),
            )
        show(made)
    for each in found["advice"]:
        show(
            Text(
                f"Rule “{each['name']}” notified of {each['notified']}, {each['spared']} of them over "
                f"within {each['within_minutes']} min: a wait of {each['wait_minutes']} min would "
                "spare those."
            )
        )


def _in_short(totals: dict[str, Any], days: int) -> str:
    span = "24 hours" if days == 1 else f"{days} days"
    return (
        f"{totals['count']} alerts in {span}: {totals['taken']} were taken on, {totals['over']} are "
        f"over, {totals['by_itself']} of these by themselves"
    )
