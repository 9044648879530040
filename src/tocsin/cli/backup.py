"""`tocsin backup` and `tocsin restore`: the whole installation as one file, and back."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.backup_file import Backup, Manifest, fingerprint, pack, unpack, written
from tocsin.cli.kit import keys as key_file
from tocsin.cli.kit.exits import Exit, Failure, readable
from tocsin.cli.kit.output import Json, note, print_json, print_plain, progress
from tocsin.cli.server.server_file import running_server

if TYPE_CHECKING:
    from tocsin.settings import Settings


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Such as tocsin-2026-03-01.tar.")],
    without_key: Annotated[
        bool, typer.Option("--without-key", help="Leave the keys to stored secrets out.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    json: Json = False,
) -> None:
    """Write the whole installation to a file, keys included. The server may run meanwhile."""
    from importlib.metadata import version

    from tocsin.cli.kit.runtime import load_settings, open_database
    from tocsin.model import iso, utc_now
    from tocsin.store import dump as dumps
    from tocsin.store.installation import revision

    settings = load_settings()
    with written(file, replace=force) as draft, open_database(settings) as url:
        at = readable(partial(revision, url))
        if at is None:
            raise Failure("there is nothing to back up: the database is empty")
        held = key_file.configured(settings) or ()
        manifest = Manifest(
            version=version("tocsin"),
            schema=at,
            created_at=iso(utc_now()),
            keys=tuple(fingerprint(key) for key in held),
        )
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".tocsin-") as folder:
            dump = Path(folder) / "dump"
            with progress("Writing…"):
                readable(partial(dumps.dump, url, dump))
                readable(partial(dumps.check, dump))
            pack(draft, manifest, () if without_key else held, dump)
    size = file.stat().st_size
    if json:
        print_json(
            {"file": str(file), "bytes": size, **vars(manifest), "holds_keys": not without_key}
        )
        return
    print_plain(f"{file}  {size / 1_048_576:,.1f} MB, schema {at}")
    if without_key:
        note("The keys are not in it: without them nobody can read the secrets that are.")
    elif held:
        note("It holds the keys to every stored secret: keep it where nobody else can read it.")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `tocsin backup` wrote.")],
    json: Json = False,
) -> None:
    """Bring a backup into an empty data folder, or into the empty database of the settings."""
    from tocsin.cli.kit.runtime import load_settings, open_database
    from tocsin.store import dump as dumps
    from tocsin.store import migrate as schema
    from tocsin.store.installation import newest_revision, sealed_values

    settings = load_settings()
    if (running := running_server(settings.data_dir)) is not None:
        raise Failure(f"a server runs on {settings.data_dir} ({running}); stop it first")
    with tempfile.TemporaryDirectory(prefix="tocsin-") as folder:
        found = unpack(file, Path(folder))
        if found.manifest.schema > newest_revision():
            raise Failure(
                f"the backup is of Tocsin {found.manifest.version}, with schema "
                f"{found.manifest.schema}; this one knows {newest_revision()}: install the newer one"
            )
        readable(partial(dumps.check, found.dump))
        text = _keys_for(settings, found)
        with open_database(settings) as url:
            if not readable(partial(dumps.is_empty, url)):
                raise Failure(
                    "there is a Tocsin in this database already; restore into an empty data folder "
                    "(TOCSIN_DATA_DIR), or an empty database"
                )
            if text is not None:
                key_file.keep(settings.data_dir, text)
            with progress("Reading…"):
                readable(partial(dumps.restore, url, found.dump))
                readable(partial(schema.upgrade, url))
            values = sealed_values(url)
            held = key_file.configured(settings)
            sealed = len(values)
            closed = sealed if held is None else len(key_file.closed(values, held))
            counts = dumps.row_counts(url)
    made = found.manifest
    if json:
        print_json({"rows": counts, "secrets": sealed, "unreadable_secrets": closed, **vars(made)})
    else:
        _say(made, counts)
    if closed:
        raise Failure(
            f"{closed} of {sealed} stored secrets cannot be opened with the keys there are; "
            "`tocsin doctor` names them"
        )
    note(f"All {sealed} stored secrets can be opened. `tocsin serve` starts it.")


def _say(made: Manifest, counts: Mapping[str, int]) -> None:
    print_plain(
        f"restored {counts['alerts']} alerts, {counts['integrations']} integrations and "
        f"{counts['alert_destinations']} destinations, as of {made.created_at} (Tocsin {made.version})"
    )


def _keys_for(settings: Settings, found: Backup) -> str | None:
    """The text of the key file to be made; None where the keys are there already.

    Raises:
        Failure: the keys that the backup was made with are not to be had.
    """
    there = key_file.configured(settings)
    if there is None:
        if settings.database_url is None and found.keys is not None:
            return found.keys
        if not found.manifest.keys:
            return None
        raise Failure(
            f"the backup holds no keys; put secret.key into {settings.data_dir} first",
            code=Exit.USAGE,
        )
    missing = set(found.manifest.keys) - {fingerprint(key) for key in there}
    if missing:
        where = "TOCSIN_SECRET_KEY" if settings.secret_keys else settings.data_dir / key_file.FILE
        raise Failure(
            f"{where} does not hold the key that the backup was made with: its secrets could not be "
            "read. Add that key as a further one, or take it out to use the backup's",
            code=Exit.USAGE,
        )
    return None
