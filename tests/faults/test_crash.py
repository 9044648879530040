"""`kill -9` of the server, of PostgreSQL, of single backends, under load: what was answered 2xx is
there, once, with its messages; and the server goes on by itself when its database is back."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support.node import Client, Node, eventually
from tests.support.workspace import Sender, Workspace
from tocsin.store.embedded import EmbeddedPostgres
from tocsin.store.migrate import upgrade

SENDERS = 6


class Traffic:
    """Senders that repeat each webhook until it is answered 2xx, as real ones do."""

    def __init__(self, base_url: str, sender: Sender) -> None:
        self.base_url, self.sender = base_url, sender
        self.answered: dict[str, list[dict[str, Any]]] = {}
        self.refused: set[int] = set()
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        client = Client(self.base_url)
        while not self._ends.is_set():
            name = uuid4().hex
            payload = {"title": name}
            if random.random() < 0.5:
                payload["external_id"] = name
            while not self._ends.is_set():
                try:
                    answer = client.send(self.sender, payload, Idempotency_Key=name)
                except OSError:
                    self._ends.wait(0.05)
                    continue
                except Exception:  # an answer that was cut off
                    continue
                if answer.status in (200, 201):
                    self.answered.setdefault(name, []).append(answer.json())
                    # Some senders are never sure.
                    if random.random() > 0.1:
                        break
                else:
                    self.refused.add(answer.status)
                    self._ends.wait(0.05)
        client.close()

    def goes_on(self) -> None:
        """Wait until more webhooks have been answered."""
        before = len(self.answered)
        eventually(lambda: len(self.answered) > before + 2 * SENDERS, "webhooks are answered")

    def end(self) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()


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
        self.traffic = Traffic(self.node.base_url, self.sender)

    def kill_server(self) -> None:
        self.node.kill()
        self.node = Node(self.workspace.url, self.folder, port=self.port)
        assert self.node.base_url == self.traffic.base_url

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


def check(scene: ServerUnderLoad) -> None:
    answered = scene.traffic.answered
    with scene.workspace.connection() as connection:
        alerts: dict[str, list[UUID]] = {}
        for alert_id, title in connection.execute("SELECT id, title FROM alerts"):
            alerts.setdefault(title, []).append(alert_id)
        deliveries = dict(connection.execute("SELECT id, outcome FROM webhook_deliveries"))
        planned = [row[0] for row in connection.execute("SELECT alert_id FROM alert_deliveries")]
        timelines = [row[0] for row in connection.execute("SELECT alert_id FROM alert_events")]
    for name, answers in answered.items():
        # Exactly once, and every answer named it.
        assert [str(alert_id) for alert_id in alerts[name]] == [answers[0]["alert_id"]]
        assert {answer["alert_id"] for answer in answers} == {answers[0]["alert_id"]}
        for answer in answers:
            assert deliveries[UUID(answer["delivery_id"])] == answer["status"]
    # Whatever else there is was cut off before its answer; that, too, is whole and there once.
    made = sorted(alert_id for ids in alerts.values() for alert_id in ids)
    assert len(made) == len(alerts)
    assert sorted(planned) == made
    assert sorted(timelines) == made
    assert scene.traffic.refused <= {503}


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
        check(made)
