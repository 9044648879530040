from __future__ import annotations

from pathlib import Path

from checks.circles import faults


def tree(folder: Path, **files: str) -> Path:
    """A package `p` of these modules."""
    (folder / "p").mkdir()
    for name, text in {"__init__": "", **files}.items():
        (folder / "p" / f"{name}.py").write_text(text)
    return folder


def test_two_files_that_import_each_other_are_a_circle(tmp_path: Path) -> None:
    (line,) = faults(tree(tmp_path, a="from p.b import x", b="import p.a", c="from p import a, b"))

    assert line == "a circle of 2 files: p.a → p.b, p.b → p.a"


def test_an_import_for_types_or_inside_a_function_counts(tmp_path: Path) -> None:
    files = {
        "a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p import b",
        "b": "def f():\n    from .c import g",
        "c": "from . import a",
    }

    assert len(faults(tree(tmp_path, **files))) == 1


def test_imports_that_only_run_down_are_no_circle(tmp_path: Path) -> None:
    assert faults(tree(tmp_path, a="from p import b, c", b="from p.c import x", c="")) == []
