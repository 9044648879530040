"""The database goes away, and nodes are killed with webhooks in their spools: what was answered 202 is
there in the end, once."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from tests.faults.traffic import Traffic, check_once
from tests.support.node import Node, eventually
from tests.support.postgres import Database
from tests.support.proxy import proxied
from tests.support.workspace import Workspace
from tocsin.store.embedded import EmbeddedPostgres
from tocsin.store.migrate import upgrade

BYTES = "16777216"


def metric(node: Node, name: str) -> float:
    with node.client() as client:
        said = client.request("GET", "/metrics").body.decode()
    return sum(
        float(line.split()[-1])
        for line in said.splitlines()
        if line.startswith((f"{name} ", f"{name}{{"))
    )


def readiness(node: Node) -> tuple[int, str]:
    with node.client() as client:
        answer = client.request("GET", "/readyz")
    return answer.status, answer.body.decode()


def test_a_node_killed_with_its_spool_starts_without_the_database(
    database: Database, tmp_path: Path
) -> None:
    with proxied(database.url) as way:
        workspace = Workspace(database.url)
        workspace.rule(event_types=["alerts.triggered"])
        sender = workspace.sender()
        node = Node(way.url, tmp_path, spool_bytes=BYTES)
        try:
            with node.client() as client:
                assert client.send(sender, {"title": "before"}).status == 201
            assert readiness(node) == (200, "ready\n")
            snapshot = tmp_path / "spool" / "configuration"
            eventually(snapshot.exists, "the configuration is kept")
            way.cut()
            with node.client() as client:
                answers = [client.send(sender, {"title": f"T{n}"}) for n in range(3)]
                assert [answer.status for answer in answers] == [202] * 3
                assert {answer.json()["status"] for answer in answers} == {"spooled"}
                # Who it is nobody knows now, so it is to come again.
                stranger = workspace.sender()
                assert client.send(stranger, {"title": "T"}).status == 503
            status, said = readiness(node)
            assert status == 200
            assert "kept in the spool, 3 waiting" in said
            assert metric(node, "tocsin_spool_webhooks") == 3
            node.kill()

            node = Node(way.url, tmp_path, spool_bytes=BYTES)
            with node.client() as client:
                answers.append(client.send(sender, {"title": "T3"}))
                assert answers[-1].status == 202
                assert client.send(sender, b"{}").status == 400
                assert client.request("POST", sender.path, b"{}").status == 401
            assert "kept in the spool, 4 waiting" in readiness(node)[1]
            way.restore()
            eventually(lambda: readiness(node) == (200, "ready\n"), "the spool is empty")
            with node.client() as client:
                assert client.send(sender, {"title": "after"}).status == 201
            assert "the spool is empty, all of it is in the database" in node.errors()
        finally:
            node.stop()
    titles = [row[0] for row in workspace.sql("SELECT title FROM alerts ORDER BY id")]
    assert titles == ["before", "T0", "T1", "T2", "T3", "after"]
    stored = {row["id"]: row for row in workspace.deliveries(sender)}
    for answer in answers:
        row = stored[UUID(answer.json()["delivery_id"])]
        assert (row["status_code"], row["outcome"]) == (202, "created")
        assert row["flags"] == ["spooled"]
    # With their messages.
    assert workspace.one("SELECT count(*) FROM alert_deliveries") == 6


class TwoNodes:
    """Over a PostgreSQL that flushes what it commits, under load."""

    def __init__(self, folder: Path, postgres: EmbeddedPostgres, url: str) -> None:
        upgrade(url)
        self.workspace = Workspace(url)
        self.workspace.rule(event_types=["alerts.triggered"])
        sender = self.workspace.sender()
        self.postgres, self.folders = postgres, [folder / "0", folder / "1"]
        for each in self.folders:
            each.mkdir()
        self.nodes = [Node(url, each, spool_bytes=BYTES) for each in self.folders]
        self.ports = [node.port for node in self.nodes]
        for each in self.folders:
            eventually((each / "spool" / "configuration").exists, "the configuration is kept")
        self.traffic = Traffic([node.base_url for node in self.nodes], sender)

    def kill(self, number: int) -> None:
        """And start it again, whether or not the database is there."""
        self.nodes[number].kill()
        self.nodes[number] = Node(
            self.workspace.url,
            self.folders[number],
            port=self.ports[number],
            spool_bytes=BYTES,
        )
        assert self.nodes[number].base_url == self.traffic.base_urls[number]

    def close(self) -> None:
        self.traffic.end()
        for node in self.nodes:
            node.stop()


@contextmanager
def two_nodes(folder: Path) -> Iterator[TwoNodes]:
    # In a short folder: where its socket does not fit, it has another address after each start.
    with tempfile.TemporaryDirectory(prefix="spool-") as short:
        postgres = EmbeddedPostgres(Path(short) / "data", settings={"shared_buffers": "32MB"})
        with postgres as url:
            made = TwoNodes(folder, postgres, url)
            try:
                yield made
            finally:
                # The traffic does not end without a database to check it by.
                postgres.start()
                made.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_database_is_stopped_and_started_again_and_again(tmp_path: Path) -> None:
    with two_nodes(tmp_path) as made:
        for number in range(8):
            made.traffic.goes_on()
            made.postgres.stop()
            # They go on without it.
            made.traffic.is_answered(202, times=50)
            if number % 2:
                made.kill(random.randrange(2))
                made.traffic.goes_on()
            assert made.postgres.start() == made.workspace.url
            if number % 3 == 2:
                # As it is being emptied.
                made.kill(random.randrange(2))
            for node in made.nodes:
                eventually(lambda node=node: metric(node, "tocsin_spool_webhooks") == 0, "empty")
        made.traffic.goes_on()
        made.traffic.end()
        for node in made.nodes:
            eventually(lambda node=node: metric(node, "tocsin_spool_webhooks") == 0, "empty")
        check_once(made.workspace, made.traffic)
        spooled = made.workspace.one(
            "SELECT count(*) FROM webhook_deliveries WHERE 'spooled' = ANY (flags)"
        )
        print(
            f"\nsent {len(made.traffic.answered)}, of which spooled {spooled};"
            f" answers {dict(made.traffic.statuses)}; lost 0, twice 0"
        )
        assert spooled > 400
