"""`tocsin database move`: from the database there is to another, counted before it is believed."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.kit import keys as key_file
from tocsin.cli.kit.exits import Exit, Failure, readable
from tocsin.cli.kit.output import Json, note, print_json, print_plain, progress
from tocsin.cli.server.server_file import running_server

app = typer.Typer(help="Move what is stored to another PostgreSQL.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Move what is stored to another PostgreSQL."""


@app.command()
def move(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="An empty database: postgresql://user@host/name. A password may come by PGPASSWORD "
            "or ~/.pgpass.",
        ),
    ],
    json: Json = False,
) -> None:
    """Copy everything to another PostgreSQL, and say what to set. Every server must be stopped."""
    from tocsin.cli.kit.runtime import load_settings, open_database
    from tocsin.store import dump as dumps
    from tocsin.store.pooler import require_own_connections

    if not url.startswith(("postgresql://", "postgres://")):
        raise Failure("the new database must read postgresql://user@host/name", code=Exit.USAGE)
    settings = load_settings()
    if (running := running_server(settings.data_dir)) is not None:
        raise Failure(f"a server runs on {settings.data_dir} ({running}); stop it first")
    with open_database(settings) as source, tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        readable(partial(require_own_connections, url))
        if not readable(partial(dumps.is_empty, url)):
            raise Failure("the new database is not empty")
        if readable(partial(dumps.is_in_use, source)):
            raise Failure(
                "another program of Tocsin works on the database; stop every node, or what comes in "
                "meanwhile would be lost"
            )
        dump = Path(folder) / "dump"
        with progress("Copying…"):
            readable(partial(dumps.dump, source, dump))
            readable(partial(dumps.restore, url, dump))
        before, after = dumps.row_counts(source), dumps.row_counts(url)
    if before != after:
        differing = sorted(name for name in before if before[name] != after.get(name))
        raise Failure(f"rows differ in {', '.join(differing)}: something changed meanwhile")
    lines = {"database_url": url}
    if not settings.secret_keys:
        lines["secret_key_file"] = str(settings.data_dir / key_file.FILE)
    if json:
        print_json({"rows": after, "settings": lines})
        return
    note(f"Copied {sum(after.values())} rows of {len(after)} tables. Now set, in tocsin.toml:")
    for name, value in lines.items():
        print_plain(f'{name} = "{value}"')
    note("The database that was used until now is as it was.")
