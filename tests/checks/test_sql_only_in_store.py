from __future__ import annotations

from pathlib import Path

import pytest
from checks.sql_only_in_store import faults


def tree(folder: Path, text: str) -> Path:
    for room in ("store", "alerts"):
        (folder / "tocsin" / room).mkdir(parents=True, exist_ok=True)
    (folder / "tocsin/store/rows.py").write_text("import sqlalchemy")
    (folder / "tocsin/alerts/change.py").write_text(text)
    return folder


@pytest.mark.parametrize(
    "text",
    [
        "import psycopg",
        "from sqlalchemy.ext import asyncio",
        "def f():\n    import psycopg.rows",
        "if 1:\n    from psycopg import sql",
    ],
)
def test_only_the_store_speaks_sql(tmp_path: Path, text: str) -> None:
    (line,) = faults(tree(tmp_path, text))

    assert line.startswith("tocsin/alerts/change.py imports")


def test_who_asks_the_store_speaks_none(tmp_path: Path) -> None:
    assert faults(tree(tmp_path, "from tocsin.store import rows")) == []
