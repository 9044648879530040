"""`tocsin migrate`: bring the database to this program's schema, or say how it differs."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from tocsin.cli.kit.exits import Exit, readable
from tocsin.cli.kit.output import Json, note, print_json, print_plain, progress


def migrate(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Change nothing: print what is pending or drifted, one per line."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Bring the database to the schema of this program. Every start of the server does so, too.

    With --check: exit code 0 if it is at that schema, 1 if anything is pending or drifted.
    """
    from tocsin.cli.kit.runtime import load_settings, open_database
    from tocsin.store import migrate as schema

    with open_database(load_settings()) as url:
        if not check:
            with progress("Bringing the database up to date…"):
                readable(partial(schema.upgrade, url))
        differences = readable(partial(schema.check, url))
    if json:
        print_json({"up_to_date": not differences, "differences": differences})
    else:
        for difference in differences:
            print_plain(difference)
        if not differences:
            note("The database is at the schema of this program.")
    if differences:
        raise typer.Exit(Exit.FAILED)
