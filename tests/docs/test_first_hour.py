"""The page of the first hour has what its tool writes into it."""

from __future__ import annotations

import re
from pathlib import Path

from tools import first_hour
from tools.first_hour import SUMS, Step, table

from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "first-hour.md"


def test_the_page_has_a_row_for_every_step_of_the_tool() -> None:
    shown = PAGE.read_text().partition("<!-- figures -->\n")[2].partition("<!-- end -->")[0]
    names = [line.split(" | ")[0].removeprefix("| ") for line in shown.splitlines()[2:]]
    steps = [name for name in names if name not in SUMS]
    assert [name for name in names if name in SUMS] == list(SUMS)
    timed = re.findall(r"me\.timed\((\w+|\".+?\")\)", Path(first_hour.__file__).read_text())
    assert steps == [getattr(first_hour, each, each.strip('"')) for each in timed]
    for of in SUMS.values():
        assert set(of) <= set(steps)


def test_a_sum_has_the_steps_that_one_waits_for() -> None:
    steps = [Step(name, 1.0, 0.25) for name in ("stop", *SUMS["**… with the demo before it**"])]
    lines = table([steps, steps]).splitlines()
    assert lines[2] == "| stop | 1.0 s (0.25) | 1.0 s (0.25) |"
    assert [line.rpartition("** | ")[2] for line in lines[-2:]] == ["**5 s** |", "**6 s** |"]
