from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Database, Server
from tests.story.server import Node, nodes
from tests.story.site import Site


@pytest.fixture(scope="module")
def shared_database(postgres_server: Server) -> Iterator[Database]:
    with postgres_server.database() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def site(shared_database: Database) -> Site:
    return Site(shared_database.url)


@pytest.fixture(scope="module")
def pair(site: Site) -> Iterator[list[Node]]:
    """Two server processes over one database."""
    with nodes(site.url, 2, rejected_keep="3") as both:
        yield both
