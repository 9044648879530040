"""Finds class names that stand for two things: the same name in two files of the sources.

A reader who meets a name must not have to look up which of two is meant.

    python checks/class_names_once.py [folder of the sources, default src]
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path


def faults(root: Path) -> list[str]:
    """A line for each name that several files have."""
    files: defaultdict[str, set[str]] = defaultdict(set)
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                files[node.name].add(path.relative_to(root).as_posix())
    return [
        f"the class name {name} stands for {len(places)} things, in {' and '.join(sorted(places))}."
        " Call each what it is."
        for name, places in sorted(files.items())
        if len(places) > 1
    ]


def main(arguments: list[str]) -> int:
    """Prints what is wrong; 1 if anything is."""
    found = faults(Path(arguments[0] if arguments else "src"))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
