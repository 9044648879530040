"""Finds names in docstrings that stand for nothing, and docstrings that do not say what is done.

A name in backticks that looks like code (`name`, `dotted.name`, `call(x)`, `file.py`) must exist:
in the same file, or as something that a file of the tree defines (a module, function, class,
attribute, a string that is one name), or as a file, or in its SQL. Names from outside are listed
below, each group with its reason. A docstring also begins with what the function does, not with
what it raises or returns.

    python checks/names_exist.py [folder of the sources, default src]
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OUTSIDE = {
    # Starlette's, and how an HTTP client asks for another protocol.
    *("Mount", "Upgrade"),
    # Alertmanager's section of its configuration.
    "webhook_config",
    # Examples of words and events that senders write.
    *("p1", "sev1", "CST", "public_incident", "incidentCreated_v2"),
    # The C library's look-up, and a property of the standard library's addresses.
    *("getaddrinfo", "is_global"),
    # RFC 9562's name of a part of an id.
    "rand_a",
    # PostgreSQL's programs, functions, settings and files.
    *("array_recv", "initdb", "server_version_num"),
    *("postgresql.conf", "pg_hba.conf", "pg_ident.conf", "local.conf"),
}

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(\(.*\))?")
_FILE = re.compile(r"[\w./-]+\.(py|sql|md|json|html|css|toml|lock|conf)")
_TICKED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_SECTION = re.compile(r"(Raises|Returns|Yields|Args):")

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Docstring:
    line: int
    text: str
    about: str


def docstrings(tree: ast.Module) -> Iterator[Docstring]:
    """Those of the module, its classes and functions, and those that stand below an attribute."""
    for node in ast.walk(tree):
        if not isinstance(node, Documented):
            continue
        for each in node.body:
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
                text = each.value.value
                if isinstance(text, str):
                    yield Docstring(each.lineno, text, getattr(node, "name", "the module"))


def words_of(tree: ast.Module) -> set[str]:
    """Every name that the code of a file uses, and every word of its strings; no docstrings."""
    documented = {(each.line, each.text) for each in docstrings(tree)}
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name):
                found.add(name)
            case ast.keyword(arg=str(name)):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.update(name.split("."), [other] if other else [])
            case ast.ImportFrom(module=str(name)):
                found.update(name.split("."))
            case ast.Constant(value=str(text)) if (node.lineno, text) not in documented:
                found.update(_WORD.findall(text))
            case ast.Constant(value=bytes(raw)):
                found.update(_WORD.findall(raw.decode("latin-1")))
    return found


def strings_of(tree: ast.Module) -> set[str]:
    """Strings of a file that are one name each: keys, words of a format, names of files."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and looks_like_code(node.value)
    }


def defined_by(tree: ast.Module) -> set[str]:
    """What a file offers others: its functions, classes, constants, and all members of its
    classes; of enums the values too. Names with an underscore first are its own."""
    found: set[str] = set()
    bodies: list[list[ast.stmt]] = [tree.body]
    while bodies:
        for node in bodies.pop():
            match node:
                case ast.ClassDef():
                    found.add(node.name)
                    bodies.append(node.body)
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    found.add(node.name)
                    for inner in ast.walk(node):
                        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                            found.add(inner.attr)
                case ast.Assign(targets=targets, value=value):
                    found.update(each.id for each in targets if isinstance(each, ast.Name))
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        found.update(_WORD.findall(value.value))
                case ast.AnnAssign(target=ast.Name(id=name)):
                    found.add(name)
    return {name for name in found if not name.startswith("_")}


@dataclass(frozen=True)
class Sources:
    """All of a tree that a name may stand for."""

    root: Path
    files: frozenset[str]
    modules: frozenset[str]
    offered: frozenset[str]

    @classmethod
    def read(cls, root: Path) -> Sources:
        files, modules, offered = set(), set(), set(OUTSIDE) | set(dir(builtins))
        offered |= sys.stdlib_module_names
        for path in sorted(root.rglob("*")):
            if not path.is_file() or path.suffix == ".pyc":
                continue
            files.add(path.relative_to(root).as_posix())
            if path.suffix == ".py":
                dotted = ".".join(path.relative_to(root).with_suffix("").parts)
                modules.add(dotted.removesuffix(".__init__"))
                offered |= {path.stem, path.parent.name}
                tree = ast.parse(path.read_text(encoding="utf-8"))
                offered |= defined_by(tree) | strings_of(tree)
            elif path.suffix == ".sql":
                offered.add(path.stem)
                offered.update(_WORD.findall(path.read_text(encoding="utf-8")))
        return cls(root, frozenset(files), frozenset(modules), frozenset(offered))

    def know(self, name: str, local: set[str]) -> bool:
        """Whether `name`, found in a file that uses the words `local`, stands for anything."""
        if _FILE.fullmatch(name):
            return name in self.offered or any(
                f"/{each}".endswith(f"/{name}") for each in self.files
            )
        parts = name.partition("(")[0].split(".")
        if parts[0] == "tocsin":
            return self._is_in_package(parts)
        return all(part in local or part in self.offered for part in parts)

    def _is_in_package(self, parts: list[str]) -> bool:
        for length in range(len(parts), 0, -1):
            if ".".join(parts[:length]) in self.modules:
                return all(part in self.offered for part in parts[length:])
        return False


def looks_like_code(text: str) -> bool:
    """Whether what stands in backticks is a name, and not an example or a piece of syntax."""
    return bool(_FILE.fullmatch(text) or _NAME.fullmatch(text))


def faults(root: Path) -> list[str]:
    """A line for each docstring that names what is not there or begins with a section."""
    sources, lines = Sources.read(root), []
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        local = words_of(tree)
        for each in docstrings(tree):
            place = f"{path}:{each.line} ({each.about})"
            if _SECTION.match(each.text.strip()):
                lines.append(f"{place}: say first what it does")
            lines += [
                f"{place}: there is no `{name}`"
                for name in _TICKED.findall(each.text)
                if looks_like_code(name) and not sources.know(name, local)
            ]
    return lines


def main(arguments: list[str]) -> int:
    """Prints what is wrong; 1 if anything is."""
    found = faults(Path(arguments[0] if arguments else "src"))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
