from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.story.installation import Installation
from tests.story.installation import installation as installed
from tests.support.node import Client, Node, nodes
from tests.support.postgres import Database, Server
from tests.support.workspace import Workspace


@pytest.fixture(scope="session")
def shared_database(postgres_server: Server) -> Iterator[Database]:
    """One for all stories: each makes integrations of its own."""
    with postgres_server.database() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def workspace(shared_database: Database) -> Workspace:
    return Workspace(shared_database.url)


@pytest.fixture(scope="session")
def node(workspace: Workspace) -> Iterator[Node]:
    with nodes(
        workspace.url,
        is_forked=True,
        body_timeout_seconds="0.5",
        rejected_keep="5",
        rejected_body_bytes="8192",
    ) as (only,):
        yield only


@pytest.fixture
def client(node: Node) -> Iterator[Client]:
    with node.client() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def installation(
    postgres_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Two nodes that deliver, and the services they deliver to: for all stories of delivery."""
    with (
        postgres_server.database() as fresh,
        installed(Workspace(fresh.url), tmp_path_factory.mktemp("installation")) as ready,
    ):
        yield ready
