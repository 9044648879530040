"""`kill -9` of the server, of PostgreSQL, of single backends, under load: what was answered 2xx is
there, once, with its messages; and the server goes on by itself when its database is back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from tests.faults.traffic import SENDERS, Traffic, check_once
from tests.support.node import Node, eventually
from tests.support.workspace import Workspace
from tocsin.store.embedded import EmbeddedPostgres
from tocsin.store.migrate import upgrade


class ServerUnderLoad:
    """A PostgreSQL that flushes what it commits, a server, and traffic."""

    def __init__(self, folder: Path, postgres: EmbeddedPostgres, url: str) -> None:
        upgrade(url)
        self.workspace = Workspace(url)
        self.sender = self.workspace.sender()
        _, self.destination_id = self.workspace.rule(event_types=["alerts.triggered"])
        self.folder, self.postgres = folder, postgres
        self.node = Node(url, folder)
        self.port = self.node.port
        self.traffic = Traffic([self.node.base_url], self.sender)

    def kill_server(self) -> None:
        self.node.kill()
        self.node = Node(self.workspace.url, self.folder, port=self.port)
        assert self.node.base_url == self.traffic.base_urls[0]

    def kill_postmaster(self) -> None:
        pid = self.postgres.server_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def kill_backend(self) -> None:
        """Of the server; PostgreSQL then restarts all of them."""

        def killed() -> bool:
            with suppress(psycopg.OperationalError):
                pids = self.workspace.sql(
                    "SELECT pid FROM pg_stat_activity WHERE application_name = 'tocsin'"
                    " AND datname = current_database() ORDER BY state = 'active' DESC LIMIT 1"
                )
                for (pid,) in pids:
                    os.kill(pid, signal.SIGKILL)
                    return True
            return False

        eventually(killed, "there is a backend to kill")

    def close(self) -> None:
        self.traffic.end()
        self.node.stop()


@contextmanager
def scene(folder: Path) -> Iterator[ServerUnderLoad]:
    postgres = EmbeddedPostgres(folder / "data", settings={"shared_buffers": "32MB"})
    (own := folder / "node").mkdir()
    with postgres as url:
        made = ServerUnderLoad(own, postgres, url)
        try:
            yield made
        finally:
            made.close()


@pytest.mark.parametrize(
    "kills",
    [4, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(3_000)])],
    ids=["quick", "long"],
)
def test_killed_again_and_again(tmp_path: Path, kills: int) -> None:
    with scene(tmp_path) as made:
        ways = [made.kill_backend, made.kill_server, made.kill_postmaster, made.kill_backend]
        for number in range(kills):
            made.traffic.goes_on()
            ways[number % len(ways)]()
        made.traffic.goes_on()
        made.traffic.end()
        assert len(made.traffic.answered) > kills * SENDERS
        check_once(made.workspace, made.traffic)
