"""The PostgreSQL of the test suite: one server per run, one database per test. What a test has left is
used again where it can be made as fresh as another (`renewal.py`), under another name: whoever still
uses it by the name that it had finds nothing.

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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests.support.renewal import Fresh
from tocsin.store.embedded import EmbeddedPostgres
from tocsin.store.embedded.configuration import SUPERUSER
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
    # It would visit every database, four times a minute, and change plans whenever it comes.
    "autovacuum": "off",
    # It may lie in memory.
    "max_wal_size": "256MB",
    "max_connections": "300",
}

_TEMPLATE = "tocsin_template"
_USES = 40
"""So often a database is used: what tests have deleted stays in its files."""
_SESSIONS_END_SECONDS = 20.0
_END_SESSIONS = """
SELECT count(*), count(CASE WHEN usename = current_user THEN pg_terminate_backend(pid) END)
FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'
"""
"""The superuser's, which renew databases, end by themselves."""
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
        self._fresh: Fresh | None = None
        self._spare: list[tuple[str, int]] = []
        """Fresh databases that tests have used, and how often."""
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
    def database(self, *, is_unused: bool = False) -> Iterator[Database]:
        """`is_unused`: for plans of statements. What was deleted stays in the files, and the planner
        goes by their length."""
        is_new = is_unused or not self._spare
        name, uses = (self._clone(), 0) if is_new else self._spare.pop()
        try:
            yield Database(self._named(name))
        finally:
            self._take_back(name, uses + 1)

    def _clone(self) -> str:
        name = self._new_name()
        self._run(
            self._admin(),
            f"CREATE DATABASE {{}} TEMPLATE {{}} STRATEGY {self._strategy}",
            name,
            self._template,
        )
        # Only in a server of our own are we a superuser.
        if self._owned and self._fresh is None:
            with self._as_superuser(name) as connection:
                self._fresh = Fresh.of(connection)
        return name

    def _take_back(self, name: str, uses: int) -> None:
        if self._fresh is not None and uses < _USES:
            renamed = self._new_name()
            if self._rename(name, renamed):
                name = renamed
                with self._as_superuser(name) as connection:
                    is_fresh = self._fresh.renew(connection)
                if is_fresh:
                    self._spare.append((name, uses))
                    return
        self._drop(self._admin(), name)

    def _rename(self, name: str, renamed: str) -> bool:
        """Ends whoever is connected. False if a test has dropped it."""
        deadline = time.monotonic() + _SESSIONS_END_SECONDS
        while True:
            left = self._admin().execute(_END_SESSIONS, [name]).fetchone()
            # Whoever is only just connecting is not seen there yet, and is in the way here.
            with suppress(psycopg.errors.ObjectInUse):
                if left == (0, 0):
                    try:
                        self._run(self._admin(), "ALTER DATABASE {} RENAME TO {}", name, renamed)
                    except psycopg.errors.InvalidCatalogName:
                        return False
                    return True
            if time.monotonic() > deadline:
                raise RuntimeError(f"{left} sessions in {name} do not end")
            time.sleep(0.002)

    def _as_superuser(self, name: str) -> psycopg.Connection:
        url = make_url(self._named(name)).set(username=SUPERUSER)
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)

    def close(self) -> None:
        if not self._owned:
            self._drop(self._admin(), self._template)
        if self._kept is not None:
            self._kept.close()

    @staticmethod
    def _new_name() -> str:
        return f"tocsin_test_{os.getpid()}_{next(_numbers)}"

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
