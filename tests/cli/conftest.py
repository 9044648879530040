from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program, on_database
from tests.support.postgres import Database


@pytest.fixture
def tocsin(database: Database, tmp_path: Path) -> Program:
    """The program on a fresh database, without a server."""
    return on_database(database, tmp_path)
