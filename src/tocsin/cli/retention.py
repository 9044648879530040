"""`tocsin retention`: how long history is kept, how much of it there is, and what goes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.output import Json, ago, note, print_json, section, show
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.model.figures import Certainty, bytes_said, said


def retention(
    days: Annotated[
        int | None,
        typer.Option(
            "--days", "-d", min=1, help="What would go if everything were kept for so many days."
        ),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show for how long history is kept, how much there is, and how much goes next."""
    from tocsin.cli.calling.choose import open_api

    with open_api(workspace, only_reads=True) as api:
        found = api.get("/retention", days=days)
    if json:
        print_json(found)
        return
    goes = "goes next" if days is None else f"goes at {_days(days)}"
    made = table("history", "kept for", "set by", "rows", "oldest", goes)
    for each in found["items"]:
        made.add_row(*_row(each))
    show(made)
    if found["installation"] is not None:
        show(section("All workspaces"))
        show(_whole(found["installation"], goes))
    if days is not None:
        note("Nothing is deleted by asking; settings say for how long it is kept.")


def _row(each: Mapping[str, Any]) -> tuple[str | Text, ...]:
    return (
        each["table"].replace("_", " "),
        _days(each["days"]),
        Text(each["set_by"] or "default"),
        _figure(each["rows"]),
        ago(each["oldest_at"]) if each["oldest_at"] else "—",
        "with what it is of" if each["due"] is None else _figure(each["due"]),
    )


def _whole(found: Sequence[Mapping[str, Any]], goes: str) -> Any:
    made = table("table", "rows", "on disk", "oldest", goes, "last pass", "last deleted")
    for each in found:
        _, _, _, rows, oldest, due = _row(each)
        deleted = "—"
        if each["last_deleted_at"] is not None:
            deleted = f"{each['last_deleted']:,} {ago(each['last_deleted_at'])}"
        passed = ago(each["last_pass_at"]) + (", at work" if each["is_under_way"] else "")
        made.add_row(each["table"], rows, bytes_said(each["size"]), oldest, due, passed, deleted)
    return made


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def _figure(each: Mapping[str, Any]) -> str:
    return said(each["number"], Certainty(each["certainty"]))
