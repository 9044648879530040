"""`tocsin mapping`: where the fields of an alert are in what a tool of one's own posts."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.arguments import read_json
from tocsin.cli.kit.exits import Failure
from tocsin.cli.kit.output import Json, note, print_json, show, status_text
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table

app = typer.Typer(no_args_is_help=True, help="Try mappings on payloads before they are in force.")


@app.command()
def preview(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The integration's name or id.")],
    mapping: Annotated[
        str | None,
        typer.Option(
            "--mapping",
            "-m",
            metavar="FILE",
            help="JSON, or - for standard input; else the one in force.",
        ),
    ] = None,
    payload: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="What the tool posts; may be given several times."),
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=50,
            help="So many of the newest webhooks on record; 10, where no payload is given.",
        ),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Show what a mapping makes of payloads, given or on record, the rejected included."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    files = payload or []
    body: dict[str, Any] = {
        "payloads": [read_json(each) for each in files],
        "last": (0 if files else 10) if last is None else last,
    }
    if mapping is not None:
        body["mapping"] = read_json(mapping)
    with open_api(workspace) as api:
        found = by_name(api, "/integrations", "integration", name)
        result = api.post(f"/integrations/{found['id']}/mapping/preview", body)
    if json:
        print_json(result)
        return
    if not result["items"]:
        note("Nothing is on record for it; give it a payload: --payload FILE.")
        return
    _show(result["items"], files)


@app.command()
def suggest(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The integration's name or id.")],
    payload: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="What the tool posts; may be given several times."),
    ] = None,
    last: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=50,
            help="So many of the newest webhooks on record; 50, where no payload is given.",
        ),
    ] = None,
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the mapping there, too.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Propose a mapping by what payloads look like, given or on record, the rejected included."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    files = payload or []
    body: dict[str, Any] = {
        "payloads": [read_json(each) for each in files],
        "last": (0 if files else 50) if last is None else last,
    }
    with open_api(workspace) as api:
        found = by_name(api, "/integrations", "integration", name)
        result = api.post(f"/integrations/{found['id']}/mapping/suggest", body)
    if out is not None:
        _write(out, result["mapping"])
    if json:
        print_json(result)
        return
    if not result["alerts"]:
        note("There is nothing to look at; give it a payload: --payload FILE.")
        return
    _show_suggestion(result)
    tries = "--mapping FILE" if out is None else f"--mapping {out}"
    note(f"Nothing is in force yet. Try it: tocsin mapping preview {name} {tries}")


def _write(out: str, mapping: Any) -> None:
    try:
        Path(out).write_text(dumps(mapping, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure(f"{out} cannot be written: {error.strerror}") from None


def _show_suggestion(result: Any) -> None:
    made = table("field", "expression", "", "found in", "why")
    for each in result["fields"]:
        made.add_row(
            each["field"],
            Text(each["expression"]),
            each["confidence"],
            f"{each['found_in']} of {each['of']}",
            Text(each["reason"]),
        )
    show(made)
    for said in result["missing"]:
        note(f"Not found: {said}.")
    for where, words in result["unknown_words"].items():
        note(f"Say in `{where}` what these mean: {', '.join(words)}.")
    if result["unreadable"]:
        note(f"{result['unreadable']} of those on record could not be used.")


def _show(items: list[Any], files: list[str]) -> None:
    made = table("payload", "gives", "severity", "title", "external id")
    for place, item in enumerate(items):
        named = files[place] if item["delivery_id"] is None else item["delivery_id"]
        for signal in item["signals"]:
            made.add_row(
                Text(named),
                signal["kind"],
                signal["severity"],
                Text(signal["title"]),
                Text(signal["external_id"] or "none"),
            )
        if not item["signals"]:
            said = [f"{each['pointer'] or '/'}: {each['message']}" for each in item["errors"]]
            reason = "; ".join(said) or item["detail"] or ""
            made.add_row(Text(named), status_text(item["status"]), "", Text(reason), "")
    show(made)
    doubtful = sorted({flag for item in items for flag in item["flags"]})
    if doubtful:
        note(f"Doubtful: {', '.join(doubtful)}.")
