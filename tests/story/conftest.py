from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Database, Server
from tests.story.delivering import Stage, stage
from tests.story.server import Client, Node, nodes
from tests.story.site import Site


@pytest.fixture(scope="session")
def shared_database(postgres_server: Server) -> Iterator[Database]:
    """One for all stories: each makes integrations of its own."""
    with postgres_server.database() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def site(shared_database: Database) -> Site:
    return Site(shared_database.url)


@pytest.fixture(scope="session")
def node(site: Site) -> Iterator[Node]:
    with nodes(
        site.url, body_timeout_seconds="0.5", rejected_keep="5", rejected_body_bytes="8192"
    ) as (only,):
        yield only


@pytest.fixture
def client(node: Node) -> Iterator[Client]:
    with node.client() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def on(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two nodes that deliver, and the world they deliver to: for all stories of delivery."""
    with (
        postgres_server.database() as fresh,
        stage(Site(fresh.url), tmp_path_factory.mktemp("stage")) as ready,
    ):
        yield ready
