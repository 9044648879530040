from __future__ import annotations

from pathlib import Path

from checks.class_names_once import faults


def test_a_name_in_two_files_is_found(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("class Rule: ...")
    (tmp_path / "tables.py").write_text("def f():\n    class Rule: ...")

    (line,) = faults(tmp_path)

    assert line.startswith("the class name Rule stands for 2 things, in rules.py and tables.py")


def test_names_of_their_own_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("class Rule: ...\nclass Verdict: ...")
    (tmp_path / "tables.py").write_text("class StoredRule: ...")

    assert faults(tmp_path) == []
