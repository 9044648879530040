"""What every command that works on data begins with: settings, database, schema, keys.

It makes no difference whether a server is running on the same data folder: the embedded PostgreSQL
is started by whoever comes first and stopped when the last one leaves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.kit import keys
from tocsin.cli.kit.exits import Exit, Failure, readable
from tocsin.cli.kit.output import note, progress

if TYPE_CHECKING:
    from tocsin.model import Secret
    from tocsin.settings import Settings

DEFAULT_WORKSPACE = "default"

Workspace = Annotated[
    str, typer.Option("--workspace", "-w", metavar="SLUG", help="The workspace to work in.")
]


@dataclass(frozen=True)
class Installation:
    """One Tocsin, open: its settings, its database (a libpq URL), and the keys to its secrets, the
    one that encrypts first."""

    settings: Settings
    url: str
    keys: tuple[Secret, ...]
    prepare: Callable[[], object] | None = None
    """The database is away, and this brings it to what is expected once it is back. For processes of
    its own, too."""


def load_settings(*, is_service: bool = False) -> Settings:
    """The settings of the environment, and logs as they say; a command that ends by itself keeps
    its logs to what went wrong.

    Raises:
        Failure: with a line for each fault.
    """
    from tocsin.logs import configure_logs
    from tocsin.settings import load

    settings = readable(load)
    configure_logs(settings if is_service else replace(settings, log_level="error"))
    return settings


@contextlib.contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The database's URL, with the embedded server running for as long as the context.

    Raises:
        Failure: if it cannot be had, saying why and what to do.
    """
    if settings.database_url is not None:
        from tocsin.store.pooler import require_own_connections

        url = settings.database_url.reveal_text()
        readable(partial(require_own_connections, url))
        yield url
        return
    from tocsin.store.embedded import EmbeddedPostgres

    server = EmbeddedPostgres(settings.data_dir)
    fresh = not readable(server.home.cluster.exists)
    with progress("Making a database, once…" if fresh else "Starting PostgreSQL…"):
        url = readable(server.start)
    try:
        yield url
    finally:
        server.stop()


@contextlib.contextmanager
def open_installation(
    settings: Settings | None = None, *, only_reads: bool = False
) -> Iterator[Installation]:
    """A database at this program's schema, with the workspace `default`, and its keys.

    `only_reads` is for commands that change nothing: they do not change the schema of a database
    that is kept elsewhere either, perhaps under a running server.

    Raises:
        Failure: if any of it cannot be had, saying why and what to do.
    """
    chosen = settings or load_settings()
    with open_database(chosen) as url:
        yield readable(partial(prepare, chosen, url, only_reads=only_reads))


@contextlib.contextmanager
def open_or_awaited(settings: Settings) -> Iterator[Installation]:
    """As `open_installation`; or, where the database of the settings is away and webhooks can be kept
    until it is back, what there is.

    Raises:
        Failure: if it cannot be had, saying why and what to do.
    """
    with contextlib.ExitStack() as stack:
        try:
            installation = stack.enter_context(open_installation(settings))
        except Failure as failure:
            if failure.code is not Exit.UNREACHABLE or not _can_wait(settings):
                raise
            note(f"{failure.lines[0]}; webhooks are kept in the spool until it is back")
            assert settings.database_url is not None
            installation = Installation(
                settings,
                settings.database_url.reveal_text(),
                settings.secret_keys,
                partial(prepare_again, settings),
            )
        yield installation


def _can_wait(settings: Settings) -> bool:
    """Whether there is a spool, and a configuration to know senders by. An embedded database that does
    not start is a fault of this machine, and waiting would not fix it."""
    if settings.database_url is None or settings.spool_limit == 0:
        return False
    from tocsin.access.vault import Vault
    from tocsin.ingest.spool import snapshot

    return snapshot.read(settings.data_dir, Vault(settings.secret_keys)) is not None


def prepare_again(settings: Settings) -> None:
    """What a start does, for a database that was away then."""
    with open_database(settings) as url:
        readable(partial(prepare, settings, url))


def prepare(settings: Settings, url: str, *, only_reads: bool = False) -> Installation:
    from tocsin.model import utc_now
    from tocsin.store.installation import ensure_default_workspace, is_current, keeps_secrets

    if not is_current(url):
        if only_reads and settings.database_url is not None:
            raise _without_schema(url)
        # Imported only where there is something to do: Alembic takes its time.
        from tocsin.store.migrate import upgrade

        with progress("Bringing the database up to date…"):
            upgrade(url)
    ensure_default_workspace(url, utc_now())
    found = keys.configured(settings)
    if found is None:
        if keeps_secrets(url):
            raise Failure(
                f"{settings.data_dir / keys.FILE} is gone, and with it the key to the secrets in "
                "the database; restore it from a backup, or set TOCSIN_SECRET_KEY"
            )
        found = keys.make(settings.data_dir)
    return Installation(settings, url, found)


def _without_schema(url: str) -> Failure:
    from tocsin.store.installation import newest_revision, revision, unknown_schema

    at = revision(url)
    if at is None:
        return Failure(
            "the database of TOCSIN_DATABASE_URL is empty: there is no Tocsin in it yet; the first "
            "`tocsin serve` sets it up, and so does `tocsin migrate`"
        )
    if at > newest_revision():
        return Failure(unknown_schema(at))
    return Failure(
        f"the database is at schema {at}, and this program works on {newest_revision()}; "
        "`tocsin migrate` brings it up to date, or use the Tocsin that its server runs"
    )
