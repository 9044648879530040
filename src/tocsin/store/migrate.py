"""Bring a database to the schema of this program, or say how it differs."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import psycopg
from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from tocsin.store import catalog
from tocsin.store.database import DIALECT
from tocsin.store.installation import unknown_schema


class SchemaError(Exception):
    """The database is not one this program can work on; the text says why and what to do."""


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connect"] = partial(psycopg.connect, url)
    return config


def upgrade(url: str, to: str = "head") -> None:
    """Apply what is pending, up to the revision `to`. Nodes that start at once wait for one another
    (advisory lock).

    Raises:
        SchemaError: if the server is older than PostgreSQL 15, or its schema newer than this program.
    """
    with psycopg.connect(url) as connection:
        version = connection.info.server_version
    if version < 150_000:
        raise SchemaError(
            f"PostgreSQL {version // 10_000} is too old: Tocsin needs PostgreSQL 15 or later"
        )
    config = _config(url)
    _refuse_unknown_revision(config, url)
    command.upgrade(config, to)


def run_sql_beside(migration: str) -> None:
    """The statements of a migration whose program is `migration`: the file beside it, named alike."""
    text = Path(migration).with_suffix(".sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(text.replace("%", "%%"))


def check(url: str) -> list[str]:
    """What is pending or drifted, one readable line each; empty when all is well."""
    config = _config(url)
    script = ScriptDirectory.from_config(config)
    at = _current(url)
    _refuse_unknown_revision(config, url)
    if at != (head := script.get_current_head()):
        revisions = list(script.iterate_revisions(head, at))[::-1]
        return [f"pending: {revision.revision} {revision.doc}" for revision in revisions]
    with psycopg.connect(url, autocommit=True) as connection:
        found = catalog.describe(connection)
        return catalog.differences(found, catalog.expected_on(connection))


def _current(url: str) -> str | None:
    engine = create_engine(DIALECT, creator=partial(psycopg.connect, url))
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def _refuse_unknown_revision(config: Config, url: str) -> None:
    at = _current(url)
    known = {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}
    if at is not None and at not in known:
        raise SchemaError(unknown_schema(at))
