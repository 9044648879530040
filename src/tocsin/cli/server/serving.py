"""uvicorn around the application: one process, or a supervisor over several."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from tocsin.cli.kit.runtime import Installation
from tocsin.cli.server.metrics_folder import metrics_folder
from tocsin.cli.server.worker import Worker
from tocsin.settings import forget_secrets

_BACKLOG = 2_048
_GRACE_SECONDS = 20
"""How long requests under way may take to end; a commit takes milliseconds."""
_SAME_KEYPRESS_SECONDS = 0.5
"""Wrappers pass on a Ctrl-C that the terminal has sent as well: that is one, not two."""

Listener = socket.socket


class PortTaken(Exception):
    pass


def listen(host: str, port: int) -> Listener:
    """A listening socket.

    Raises:
        PortTaken: if somebody else listens there.
        OSError: as the operating system has it.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken from None
        raise
    return listener


def url_of(listener: Listener) -> str:
    """How this machine reaches it."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - what was bound, not a binding
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def address_of(listener: Listener) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass
class Stopping:
    """The signals so far: the first ends us in good order, a further one at once."""

    first_at: float | None = None
    handlers: dict[int, Any] = field(default_factory=dict)

    def note(self, sig: int) -> None:
        now = time.monotonic()
        if self.first_at is None:
            self.first_at = now
        elif now - self.first_at > _SAME_KEYPRESS_SECONDS:
            # Whatever was answered is committed, and the database is kept by a process of its own
            # that sees us go: there is nothing to lose.
            os._exit(128 + sig)


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[Stopping]:
    """SIGINT and SIGTERM no longer end the process by themselves, so that it cleans up."""
    stopping = Stopping()
    # uvicorn puts its own handlers above these, and raises what it caught once more at its end.
    first: list[bool] = []

    def handler(sig: int, frame: FrameType | None) -> None:
        if first:
            stopping.note(sig)
        first.append(True)

    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, handler) for kind in kinds}
    try:
        yield stopping
    finally:
        for kind, handler_before in before.items():
            signal.signal(kind, handler_before)


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], stopping: Stopping
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._stopping.note(sig)
        # Only ever once: a second signal of one keypress must not cut the good order short.
        if not self.should_exit:
            super().handle_exit(sig, frame)


def config(app: Any, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="uvloop",
        http="tocsin.web.protocol:Protocol",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # No answer depends on the address of the client, so nothing is to be believed about it.
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        **options,
    )


@dataclass(frozen=True, slots=True)
class Sockets:
    """What a server listens on: `http`, and where there are such, `owner` for commands of this machine
    and `mail`."""

    http: Listener
    owner: Listener | None
    mail: Listener | None


def run(
    installation: Installation,
    sockets: Sockets,
    role: str,
    ready: Callable[[], None],
    stopping: Stopping,
    workers: int,
) -> bool:
    """Serve until asked to stop, in this process or from several. False if it could not start."""
    if workers == 1:
        return _run_one(installation, sockets, role, ready, stopping)
    return _run_many(installation, sockets, role, ready, stopping, workers)


def _run_one(
    installation: Installation,
    sockets: Sockets,
    role: str,
    ready: Callable[[], None],
    stopping: Stopping,
) -> bool:
    from tocsin.app import application
    from tocsin.cli.calling.socket_server import answering_owner
    from tocsin.hub import Hub, ProcessRole

    hub = Hub.build(
        installation.settings,
        installation.url,
        installation.keys,
        ProcessRole(role),
        prepare=installation.prepare,
    )
    app = answering_owner(application(hub, sockets.mail), installation, sockets.owner)
    server = _Server(config(app), ready, stopping)
    try:
        server.run(sockets=[sockets.http])
    except SystemExit:
        return False
    return server.started


class _Supervisor(Multiprocess):
    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket.socket],
        ready: Callable[[], None],
        stopping: Stopping,
    ) -> None:
        super().__init__(config, sockets)
        self._ready: Callable[[], None] | None = ready
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, self._on_signal)
        self._stopping = stopping

    def _on_signal(self, sig: int, frame: FrameType | None) -> None:
        if self._stopping.first_at is not None:
            with contextlib.suppress(OSError, ValueError):
                self._kill_if_impatient()
        self._stopping.note(sig)
        self.signal_queue.append(sig)

    def _kill_if_impatient(self) -> None:
        first = self._stopping.first_at
        if first is not None and time.monotonic() - first > _SAME_KEYPRESS_SECONDS:
            for process in self.processes:
                process.process.kill()

    def keep_subprocess_alive(self) -> None:
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        _forget_metrics_of(before - {process.pid for process in self.processes})
        if self._ready is not None and all(each.is_ready(timeout=1) for each in self.processes):
            ready, self._ready = self._ready, None
            ready()


def _run_many(
    installation: Installation,
    sockets: Sockets,
    role: str,
    ready: Callable[[], None],
    stopping: Stopping,
    workers: int,
) -> bool:
    """Workers are replaced when they die."""
    with metrics_folder() as metrics:
        forget_secrets(os.environ)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
        supervisor = _Supervisor(
            config(
                Worker(installation, role, os.getpid(), sockets.owner, sockets.mail),
                factory=True,
                workers=workers,
                # A busy machine may need seconds to import everything.
                timeout_worker_healthcheck=30,
            ),
            [sockets.http],
            ready,
            stopping,
        )
        supervisor.run()
        return not any(each.exitcode == STARTUP_FAILURE for each in supervisor.processes)


def _forget_metrics_of(dead: set[int | None]) -> None:
    if dead - {None}:
        from prometheus_client.multiprocess import mark_process_dead

        for pid in dead:
            if pid is not None:
                mark_process_dead(pid)  # type: ignore[no-untyped-call]
