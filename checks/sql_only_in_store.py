"""Finds files outside `tocsin.store` that speak SQL, which is the store's room alone.

Whoever imports SQLAlchemy or psycopg does.

    python checks/sql_only_in_store.py [folder of the sources, default src]
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

LIBRARIES = {"sqlalchemy", "psycopg"}
ROOM = "tocsin/store/"


def speaks_sql(path: Path) -> bool:
    """Whether one of the libraries is imported, anywhere in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        if any(name.split(".")[0] in LIBRARIES for name in names):
            return True
    return False


def faults(root: Path) -> list[str]:
    """A line for each file that should not speak SQL."""
    speakers = {
        name
        for path in sorted(root.rglob("*.py"))
        if not (name := path.relative_to(root).as_posix()).startswith(ROOM) and speaks_sql(path)
    }
    return [
        f"{name} imports SQLAlchemy or psycopg. Move the query into {ROOM}, behind a function that"
        " says what it finds."
        for name in sorted(speakers)
    ]


def main(arguments: list[str]) -> int:
    """Prints what is wrong; 1 if anything is."""
    found = faults(Path(arguments[0] if arguments else "src"))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
