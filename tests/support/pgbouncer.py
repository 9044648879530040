"""PgBouncer in front of a database, in the mode asked for."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.support.ports import free_port
from tests.support.postgres import Database
from tests.support.programs import program_of


@contextmanager
def pooled(database: Database, mode: str, *, ignored: str = "extra_float_digits") -> Iterator[str]:
    """The URL of the same database through a pooler. `ignored`: settings of a connection that it
    is set to ignore."""
    program = program_of("pgbouncer")
    parts = conninfo_to_dict(database.url)
    with tempfile.TemporaryDirectory() as name, _relay(parts) as behind:
        folder = Path(name)
        folder.chmod(0o755)
        port = free_port()
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n"
            f"* = host=127.0.0.1 port={behind} user={parts['user']}\n"
            f"[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = {mode}\nignore_startup_parameters = {ignored}\n"
            f"default_pool_size = 50\nmax_client_conn = 200\n"
        )
        # It refuses to run as root.
        user = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        process = subprocess.Popen(
            [program, folder / "pgbouncer.ini"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **user,
        )
        url = f"postgresql://{parts['user']}@127.0.0.1:{port}/{parts['dbname']}"
        try:
            _await(url)
            yield url
        finally:
            process.kill()
            process.wait()


def _await(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            # As Tocsin has it: PgBouncer 1.18 now and then loses count of the answers where it must
            # change the settings of a connection for somebody else.
            psycopg.connect(url, application_name="tocsin").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def _relay(parts: dict[str, str]) -> Iterator[int]:
    """A port that leads to the database with our own user id, by which its socket knows us."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, parts), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, parts: dict[str, str]) -> None:
    host, port = parts.get("host", "127.0.0.1"), parts.get("port", "5432")
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            if host.startswith("/"):
                server = socket.socket(socket.AF_UNIX)
                server.connect(f"{host}/.s.PGSQL.{port}")
            else:
                server = socket.create_connection((host, int(port)))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            target.sendall(chunk)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
