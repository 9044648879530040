"""A way to the database that can be cut, and that can stall: what a network does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

_CHUNK = 65_536


class Proxy:
    """Listens on a unix socket in `folder` and passes everything on to the server of `url`."""

    def __init__(self, url: str, folder: Path) -> None:
        given = make_url(url)
        parts = conninfo_to_dict(url)
        self._host, self._port = str(parts["host"]), int(parts.get("port", 5432))
        self._path = folder / f".s.PGSQL.{self._port}"
        self.url = given.set(
            host=None, port=None, query={"host": str(folder), "port": str(self._port)}
        ).render_as_string(hide_password=False)
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._flows = threading.Event()
        self._flows.set()
        self._listener: socket.socket | None = None
        self.restore()

    def restore(self) -> None:
        """Take connections, and let everything through."""
        self._flows.set()
        if self._listener is not None:
            return
        with suppress(FileNotFoundError):
            self._path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._path))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def sever(self) -> None:
        """Close every connection there is; new ones are taken."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Close everything and take no new connection until `restore`."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            with suppress(FileNotFoundError):
                self._path.unlink()
        self._flows.set()
        self.sever()

    def stall(self) -> None:
        """Nothing moves any more, and neither side learns of it."""
        self._flows.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = self._reach()
            except OSError:
                near.close()
                continue
            self._pairs.append((near, far))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _reach(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._port), timeout=10)
        far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        far.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return far

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                self._flows.wait()
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(url: str) -> Iterator[Proxy]:
    with TemporaryDirectory(prefix="tocsin-way-") as folder:
        proxy = Proxy(url, Path(folder))
        try:
            yield proxy
        finally:
            proxy.cut()
