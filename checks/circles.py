"""Finds files of a tree that import each other in a circle, inside one room too.

Every import counts: at the top, inside a function, and under TYPE_CHECKING. A reader of two files
that need each other has to read both at once, whenever it is that Python loads them.

    python checks/circles.py [folder of the sources, default src]
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path


def modules(root: Path) -> dict[str, Path]:
    """The modules below `root`, a package by its own name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    """The modules among `known` that the module `name` imports, anywhere in its text."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for each in node.names:
                if (inner := f"{base}.{each.name}") in known:
                    yield inner
                elif base in known:
                    yield base


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of modules that reach one another (Tarjan), each sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1 or name in graph[name]:
                found.append(sorted(group))

    for name in graph:
        if name not in index:
            visit(name)
    return found


def faults(root: Path) -> list[str]:
    """A line for each circle below `root`: who is in it, and who imports whom."""
    known = modules(root)
    graph = {name: set(imported(name, path, known)) for name, path in known.items()}
    lines = []
    for group in circles(graph):
        arrows = [
            f"{name} → {other}" for name in group for other in sorted(graph[name] & set(group))
        ]
        lines.append(f"a circle of {len(group)} files: {', '.join(arrows)}")
    return lines


def main(arguments: list[str]) -> int:
    """Prints what is wrong; 1 if anything is."""
    found = faults(Path(arguments[0] if arguments else "src"))
    for line in found:
        print(f"{line}. Move what both need to a file of its own, below them.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
