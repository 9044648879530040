"""A node behind a way that can be cut, its sender, and another node that sees the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest.harness import Harness, harness
from tests.ingest.spool.node_behind import Node, node
from tests.support.postgres import Database
from tests.support.proxy import Proxy, proxied
from tests.support.workspace import Sender


@pytest.fixture
def way(database: Database) -> Iterator[Proxy]:
    with proxied(database.url) as between:
        yield between


@pytest.fixture
def behind(way: Proxy, tmp_path: Path) -> Iterator[Node]:
    with node(way.url, tmp_path) as fresh:
        yield fresh


@pytest.fixture
def sender(database: Database, behind: Node) -> Sender:
    """Known to the node."""
    made = behind.hub.workspace.sender()
    assert behind.hub.run(behind.hub.senders.find(made.id))
    return made


@pytest.fixture
def beside(database: Database, sender: Sender) -> Iterator[Harness]:
    """Another node, which sees the database all the time."""
    with harness(database.url) as other:
        yield other
