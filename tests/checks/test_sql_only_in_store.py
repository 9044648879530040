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
    (line,) = faults(tree(tmp_path, text), still_do=())

    assert line.startswith("tocsin/alerts/change.py imports")
    assert faults(tmp_path, still_do=["tocsin/alerts/change.py"]) == []


def test_a_listed_file_that_no_longer_does_must_leave_the_list(tmp_path: Path) -> None:
    (line,) = faults(
        tree(tmp_path, "from tocsin.store import rows"), still_do=["tocsin/alerts/change.py"]
    )

    assert line.startswith("tocsin/alerts/change.py no longer imports")
