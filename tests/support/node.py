"""Real server processes, `tocsin serve` as it ships, and clients that say exactly what is sent.

Where neither their start nor their sudden end matters they may be forked (`forked.py`): that costs less.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from tests.support.answers import Answer
from tests.support.forked import Forked, fork
from tests.support.workspace import KEY, Sender

PATIENCE = 60.0
"""Seconds for what must come, however busy the machine."""


class Node:
    """One `tocsin serve` over a database; several may share one. `program` is what is run in its
    place, `environ` what it finds in its environment besides the settings."""

    process: subprocess.Popen[str] | Forked

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        port: int = 0,
        role: str = "web",
        program: str = "tocsin.cli",
        environ: Mapping[str, str] | None = None,
        is_forked: bool = False,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.log = folder / "stderr"
        self._is_stopping = False
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")
        }
        whole = {
            **inherited,
            "TOCSIN_DATABASE_URL": url,
            "TOCSIN_SECRET_KEY": KEY.reveal_text(),
            "TOCSIN_DATA_DIR": str(folder),
            "TOCSIN_LOG_LEVEL": "debug",
            **{f"TOCSIN_{name.upper()}": value for name, value in settings.items()},
            **(environ or {}),
        }
        arguments = ("serve", "--role", role, "--port", str(port))
        with self.log.open("a") as log:
            if is_forked:
                self.process = fork(program, *arguments, environment=whole, stderr=log)
            else:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", program, *arguments],
                    env=whole,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )

    @cached_property
    def base_url(self) -> str:
        """Where it listens; waits until it does."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("Tocsin is ready at "), self.errors()
        return line.split()[-1]

    @property
    def port(self) -> int:
        port = urlsplit(self.base_url).port
        assert port is not None
        return port

    def errors(self) -> str:
        return self.log.read_text()

    def begin_stop(self) -> None:
        self._is_stopping = True
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """SIGTERM, unless it was sent already, and the exit status."""
        # A second one may come after the server's own handling of signals has ended.
        if self.process.poll() is None and not self._is_stopping:
            self.begin_stop()
        try:
            return self.process.wait(PATIENCE)
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def client(self, key: str | None = None) -> Client:
        return Client(self.base_url, key)


@contextmanager
def nodes(url: str, count: int = 1, **settings: Any) -> Iterator[list[Node]]:
    """Server processes over one database, stopped at the end."""
    with TemporaryDirectory(prefix="tocsin-node-") as folder:
        running: list[Node] = []
        try:
            for number in range(count):
                (own := Path(folder) / str(number)).mkdir()
                running.append(Node(url, own, **settings))
            for node in running:
                assert node.base_url
            yield running
        finally:
            for node in running:
                node.stop()


class Client:
    """Requests one after another over one connection that is kept alive."""

    def __init__(self, base_url: str, key: str | None = None) -> None:
        parts = urlsplit(base_url)
        assert parts.hostname is not None
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=PATIENCE)
        self._key = key

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        try:
            # It may have answered, and closed, before it has read all.
            with suppress(BrokenPipeError, ConnectionResetError):
                self._connection.request(method, path, body=body, headers=dict(headers or {}))
            response = self._connection.getresponse()
            return Answer.of(response)
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise

    def send(self, sender: Sender, payload: Any, **headers: str) -> Answer:
        """A webhook, signed as its integration demands; bytes are sent as they are."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.request("POST", sender.path, body, sender.headers(body, **headers))

    def api(self, method: str, path: str, document: Any = None) -> Answer:
        headers = {"Authorization": f"Bearer {self._key}"}
        body = None
        if document is not None:
            body = json.dumps(document).encode()
            headers["Content-Type"] = "application/json"
        return self.request(method, f"/api/v1{path}", body, headers)


def speak(port: int, said: bytes, *, half_close: bool = False) -> bytes:
    """Say it on a connection of its own; all that comes back until the server closes, or 10 s."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(said)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it may answer and close before it has read all
        received = b""
        try:
            while data := connection.recv(65_536):
                received += data
        except OSError:
            pass
        return received


def eventually(condition: Callable[[], Any], what: str) -> None:
    """Wait for what must come."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)
