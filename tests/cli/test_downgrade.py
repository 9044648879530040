"""An older program on the schema of a newer one: it says so, as the docs show, and touches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.support.paths import DOCS
from tests.support.postgres import Database
from tests.support.workspace import KEY


@pytest.mark.parametrize(
    "command", [("serve", "--port", "0"), ("migrate",), ("migrate", "--check"), ("alerts",)]
)
def test_it_refuses_a_newer_schema_in_the_words_of_the_docs(
    database: Database, tmp_path: Path, command: tuple[str, ...]
) -> None:
    program = Program(
        {
            "TOCSIN_DATABASE_URL": database.url,
            "TOCSIN_SECRET_KEY": KEY.reveal_text(),
            "TOCSIN_DATA_DIR": str(tmp_path),
        }
    )
    with database.connect() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    ended = program.call(*command)
    assert ended.code == 1, ended.err
    (said,) = [line for line in ended.err.splitlines() if line.startswith("tocsin: ")]
    assert said in (DOCS / "operations" / "upgrade.md").read_text()
    with database.connect() as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
