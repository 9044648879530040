from __future__ import annotations

from pathlib import Path

import pytest
from checks.names_exist import faults

OTHER = """
from enum import StrEnum

LIMIT = 5
_PRIVATE = 6


class Kind(StrEnum):
    GOOD = "good_one"


class Box:
    lid: int

    def open(self) -> None:
        key = 1
        self.handle = key
"""


def found(folder: Path, docstring: str) -> list[str]:
    """What is wrong with a function of a file beside `other.py` and a statement."""
    (folder / "tocsin").mkdir(exist_ok=True)
    (folder / "tocsin" / "other.py").write_text(OTHER)
    (folder / "tocsin" / "claim_rows.sql").write_text("SELECT leased_by FROM queue_rows")
    code = f"def f(width: int) -> int:\n    {docstring!r}\n    deep = width\n    return deep\n"
    (folder / "tocsin" / "here.py").write_text(code)
    return [line.partition(": ")[2] for line in faults(folder)]


@pytest.mark.parametrize(
    "name",
    [
        "width",
        "deep",
        "f(3)",
        "LIMIT",
        "Box.lid",
        "Box.open()",
        "handle",
        "Kind.GOOD",
        "good_one",
        "other",
        "tocsin.other.Box",
        "other.py",
        "tocsin/other.py",
        "claim_rows",
        "claim_rows.sql",
        "leased_by",
        "ValueError",
        "asyncio",
        "two words",
        "a=b",
    ],
)
def test_what_exists_or_is_no_name_passes(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, f"Does it as `{name}` does.") == []


@pytest.mark.parametrize(
    "name",
    [
        "wdith",
        "Box.lock",
        "key",  # local to a function of another file
        "_PRIVATE",
        "gone.py",
        "tocsin.gone",
        "tocsin.other.Crate",
        "claim_lines",
    ],
)
def test_what_stands_for_nothing_is_found(tmp_path: Path, name: str) -> None:
    assert found(tmp_path, f"Does it as `{name}` does.") == [f"there is no `{name}`"]


def test_a_name_in_another_docstring_does_not_make_it_exist(tmp_path: Path) -> None:
    assert len(found(tmp_path, "`gone` and `gone`")) == 2


@pytest.mark.parametrize("section", ["Raises", "Returns"])
def test_a_docstring_says_first_what_is_done(tmp_path: Path, section: str) -> None:
    assert found(tmp_path, f"{section}:\n        ValueError: if not.") == ["say first what it does"]
    assert found(tmp_path, f"Does it.\n\n    {section}:\n        ValueError: if not.") == []
