"""`tocsin schedule swap`: ask for somebody to take a time over, and take it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from tocsin.cli.kit.output import Json, is_answered, note, print_json, show
from tocsin.cli.kit.people import User, user_id
from tocsin.cli.kit.runtime import DEFAULT_WORKSPACE, Workspace
from tocsin.cli.kit.tables import table
from tocsin.cli.schedule_words import KIND, PATH, instant

app = typer.Typer(no_args_is_help=True, help="Give shifts away, exchange them, take them over.")

SwapId = Annotated[str, typer.Argument(metavar="SWAP_ID", help="Its id, a beginning, or `last`.")]
From = Annotated[str, typer.Option("--from", metavar="TIME", help="2026-12-24T09:00.")]
To = Annotated[str, typer.Option("--to", metavar="TIME", help="2026-12-25T09:00.")]

_SWAPS = "/shift-swaps"


@app.command()
def ask(
    name: Annotated[str, typer.Argument(metavar="SCHEDULE", help="Its name or id.")],
    user: User,
    since: From,
    until: To,
    exchange: Annotated[
        bool, typer.Option("--exchange", help="For a time of whoever takes it; else given away.")
    ] = False,
    comment: Annotated[str, typer.Option("--comment", "-c", help="Why.")] = "",
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Ask for somebody to take over a time of USER. Until then nothing changes."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import by_name

    with open_api(workspace) as api:
        found = by_name(api, PATH, KIND, name)
        made = api.post(
            _SWAPS,
            {
                "schedule_id": found["id"],
                "kind": "exchange" if exchange else "give",
                "user_id": user_id(api, user),
                "starts_at": instant(since, found["timezone"], "--from"),
                "ends_at": instant(until, found["timezone"], "--to"),
                "comment": comment,
            },
        )
    if json:
        print_json(made)
        return
    note(f"Asked. Who takes it: tocsin schedule swap take {made['id']} USER")


@app.command("list")
def list_all(
    everything: Annotated[bool, typer.Option("--all", help="Not only open ones.")] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """List swaps that somebody asks for."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import names_by_id

    with open_api(workspace, only_reads=True) as api:
        found = api.items(_SWAPS, limit=1_000, state=None if everything else "open")
        people = names_by_id(api, "/users")
    if is_answered(found, json, "Nobody asks for a swap."):
        return
    made = table("state", "whose", "from", "to", "taken by", "id")
    for each in found:
        made.add_row(
            f"{each['kind']}, {each['state']}",
            Text(people.get(each["user_id"], "")),
            each["starts_at"],
            each["ends_at"],
            Text(people.get(each["taken_by"], "")),
            each["id"],
        )
    show(made)


@app.command()
def take(
    swap_id: SwapId,
    user: User,
    since: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Of an exchange: in return.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Its end.")] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json: Json = False,
) -> None:
    """Take a swap over: USER is on call instead."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace) as api:
        swap = api.get(f"{_SWAPS}/{one_id(api, _SWAPS, 'swap', swap_id)}")
        zone = api.get(f"{PATH}/{swap['schedule_id']}")["timezone"]
        body: dict[str, Any] = {"user_id": user_id(api, user)}
        for field, text, option in (
            ("return_starts_at", since, "--from"),
            ("return_ends_at", until, "--to"),
        ):
            if text is not None:
                body[field] = instant(text, zone, option)
        made = api.post(f"{_SWAPS}/{swap['id']}/take", body)
    if json:
        print_json(made)
        return
    note(f"Taken: from {made['starts_at']} to {made['ends_at']}.")


@app.command()
def cancel(swap_id: SwapId, workspace: Workspace = DEFAULT_WORKSPACE, json: Json = False) -> None:
    """Cancel a swap; of one that was taken, what is not over is undone."""
    from tocsin.cli.calling.choose import open_api
    from tocsin.cli.kit.lookup import one_id

    with open_api(workspace) as api:
        swap = api.post(f"{_SWAPS}/{one_id(api, _SWAPS, 'swap', swap_id)}/cancel")
    if json:
        print_json(swap)
        return
    note("Canceled.")
