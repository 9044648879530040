from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.site import Site, running_site
from tests.support.postgres import Database


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    with running_site(database, tmp_path) as running:
        yield running
