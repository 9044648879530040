"""Whole databases as files: PostgreSQL's own `pg_dump` and `pg_restore`, which come with Tocsin.

They are newer than any server we support, and what newer ones say that older servers do not know is left
out on the way.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tocsin.store.embedded.binaries import packaged
from tocsin.store.embedded.errors import condense

_VARIABLES: Final[Mapping[str, str]] = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
_ONLY_NEWER: Final = frozenset({b"SET transaction_timeout = 0;\n"})
"""Since PostgreSQL 17; before it, an error."""
_HEADER_LINES: Final = 60
_PLAIN: Final = ("--no-owner", "--no-privileges", "--no-comments")
"""Whoever restores owns what is restored."""


class DumpError(Exception):
    """One of PostgreSQL's programs failed; the text is what it said."""


def dump(url: str, file: Path) -> None:
    """Everything in the database, as of one moment, in PostgreSQL's custom format.

    Raises:
        DumpError: if it did not come out whole.
    """
    _run(url, "pg_dump", "--format=custom", *_PLAIN, f"--file={file}")


def check(file: Path) -> None:
    """Read the file through.

    Raises:
        DumpError: if the file is not a dump, or is cut off.
    """
    _run(None, "pg_restore", "--file=/dev/null", str(file))


def restore(url: str, file: Path) -> None:
    """Into an empty database, all of it or nothing.

    Raises:
        DumpError: if the dump or the server does not let us.
    """
    reader = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
        [str(packaged() / "pg_restore"), *_PLAIN, "--file=-", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    writer = subprocess.Popen(  # noqa: S603
        [
            str(packaged() / "psql"),
            *("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"),
            "--output=/dev/null",
        ],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=_environment(url),
    )
    assert reader.stdout is not None
    assert writer.stdin is not None
    is_whole = False
    try:
        for number, line in enumerate(reader.stdout):
            if number < _HEADER_LINES and line in _ONLY_NEWER:
                continue
            writer.stdin.write(line)
        is_whole = reader.wait() == 0
        if not is_whole:
            # What has been sent must not be committed as if it were all.
            writer.kill()
    except BrokenPipeError:
        reader.kill()
    _, said = writer.communicate()
    complaint = reader.stderr.read() if reader.stderr is not None else b""
    reader.wait()
    if writer.returncode or not is_whole:
        words = condense((said or complaint).decode(errors="replace"))
        raise DumpError(words or "it could not be restored")


def is_empty(url: str) -> bool:
    """Whether the database holds no table at all."""
    with psycopg.connect(url, application_name="tocsin") as connection:
        row = connection.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')"
        ).fetchone()
    assert row is not None
    return bool(row[0])


def row_counts(url: str) -> dict[str, int]:
    """How many rows each table holds, counted one by one."""
    counts: dict[str, int] = {}
    with psycopg.connect(url, application_name="tocsin") as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        ).fetchall()
        for (table,) in tables:
            statement = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
            row = connection.execute(statement).fetchone()
            assert row is not None
            counts[table] = row[0]
    return counts


def is_in_use(url: str) -> bool:
    """Whether another program of Tocsin is connected to this database."""
    with psycopg.connect(url, application_name="tocsin") as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'tocsin' AND pid <> pg_backend_pid())"
        ).fetchone()
    assert row is not None
    return bool(row[0])


def _environment(url: str) -> dict[str, str]:
    """The way there: a password does not stand among the arguments, which everybody can read."""
    inherited = {name: value for name, value in os.environ.items() if name[:2] != "PG"}
    parts = conninfo_to_dict(url)
    return {**inherited, **{_VARIABLES[k]: str(v) for k, v in parts.items() if k in _VARIABLES}}


def _run(url: str | None, program: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own program, our own arguments
        [str(packaged() / program), *arguments],
        env=None if url is None else _environment(url),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DumpError(condense(done.stderr) or f"{program} failed")
