"""The PostgreSQL of the test suite: one server per run, one database per test.

- `TOCSIN_TEST_DATABASE_URL`: use that server; its role must be allowed to create databases.
- `TOCSIN_TEST_POSTGRES_BIN`: the folder of another PostgreSQL's programs, e.g.
  `/usr/lib/postgresql/15/bin`, with which to run the suite's own server.
- neither: the embedded PostgreSQL.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tocsin.store.embedded import EmbeddedPostgres
from tocsin.store.migrate import upgrade

DEBIAN_BIN = Path("/usr/lib/postgresql/15/bin")

# Nothing here outlives the run: it need not outlive a power cut either.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "checkpoint_timeout": "1h",
    # It may lie in memory.
    "max_wal_size": "256MB",
    "max_connections": "300",
}

_TEMPLATE = "tocsin_template"
_numbers = count(1)


@dataclass(frozen=True)
class Database:
    """A migrated database of one test's own."""

    url: str

    def connect(self) -> psycopg.Connection:
        """A synchronous connection, in autocommit."""
        return psycopg.connect(self.url, autocommit=True)


class Server:
    """A running server with a migrated template, from which databases are cloned."""

    def __init__(self, url: str, folder: Path, *, owned: bool) -> None:
        """
        Args:
            folder: shared by the processes of this run, for the lock on making the template.
            owned: True for a server of our own; another's may hold templates of other runs.
        """
        self.url = url
        # Copying files is ten times as fast as logging them, but flushes the server's buffers.
        self._strategy = "FILE_COPY" if owned else "WAL_LOG"
        self._owned = owned
        self._kept: psycopg.Connection | None = None
        self._template = _TEMPLATE if owned else f"{_TEMPLATE}_{os.getpid()}"
        self._make_template(folder)

    def _make_template(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / "template.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._connect() as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [self._template]
                ).fetchone()
                if found is not None:
                    return
                draft = f"{self._template}_draft"
                self._run(connection, "DROP DATABASE IF EXISTS {}", draft)
                self._run(connection, "CREATE DATABASE {}", draft)
                upgrade(self._named(draft))
                self._run(connection, "ALTER DATABASE {} RENAME TO {}", draft, self._template)

    @contextmanager
    def database(self) -> Iterator[Database]:
        name = f"tocsin_test_{os.getpid()}_{next(_numbers)}"
        self._run(
            self._admin(),
            f"CREATE DATABASE {{}} TEMPLATE {{}} STRATEGY {self._strategy}",
            name,
            self._template,
        )
        try:
            yield Database(self._named(name))
        finally:
            self._drop(self._admin(), name)

    def close(self) -> None:
        if not self._owned:
            self._drop(self._admin(), self._template)
        if self._kept is not None:
            self._kept.close()

    def _drop(self, connection: psycopg.Connection, name: str) -> None:
        """Whoever is connected. Autovacuum is the server's own, and not ours to end: it is soon
        through."""
        for _ in range(100):
            try:
                self._run(connection, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            except psycopg.errors.InsufficientPrivilege:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"autovacuum does not let go of {name}")

    def _admin(self) -> psycopg.Connection:
        """To make and drop databases: one, for a quarter of what a database costs was to connect."""
        if self._kept is None or self._kept.closed:
            self._kept = self._connect()
        return self._kept

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def _named(self, name: str) -> str:
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    @staticmethod
    def _run(connection: psycopg.Connection, statement: str, *names: str) -> None:
        connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


@contextmanager
def running(folder: Path, programs: Path | None = None) -> Iterator[Server]:
    """Our own server in `folder`, shared with every other process that asks for the same."""
    postgres = EmbeddedPostgres(folder / "server", settings=FAST, programs=programs)
    with postgres as url:
        server = Server(url, folder, owned=True)
        try:
            yield server
        finally:
            server.close()


@contextmanager
def configured(folder: Path) -> Iterator[Server]:
    """The server the environment asks for (see above)."""
    if url := os.environ.get("TOCSIN_TEST_DATABASE_URL"):
        server = Server(url, folder, owned=False)
        try:
            yield server
        finally:
            server.close()
    else:
        programs = os.environ.get("TOCSIN_TEST_POSTGRES_BIN")
        with running(folder, Path(programs) if programs else None) as server:
            yield server
