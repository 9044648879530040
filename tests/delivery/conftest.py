from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.delivery.world import World
from tests.postgres import Database


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    world = World(database)
    yield world
    world.close()
