from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.node import Node, nodes
from tests.support.postgres import Database, Server
from tests.support.workspace import Workspace


@pytest.fixture(scope="module")
def shared_database(postgres_server: Server) -> Iterator[Database]:
    with postgres_server.database() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def workspace(shared_database: Database) -> Workspace:
    return Workspace(shared_database.url)


@pytest.fixture(scope="module")
def pair(workspace: Workspace) -> Iterator[list[Node]]:
    """Two server processes over one database."""
    with nodes(workspace.url, 2, rejected_keep="3") as both:
        yield both
