"""What the documentation shows is what happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.docs.pages import PAGES, ROOT, commands, run

# The first page that a process of the suite runs has a hub made for it, and what getting started makes.
pytestmark = pytest.mark.timeout(300)

START = ROOT / "docs" / "getting-started.md"
OWN_HUB = {ROOT / "docs" / "how-to" / "wake-somebody.md"}
"""Run by themselves (`test_wake_somebody.py`)."""
RUN = [START, *(page for page in PAGES if commands(page) and page not in {START, *OWN_HUB})]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Program]]:
    """A folder to type in and the program of somebody who followed `getting-started.md`."""
    folder = tmp_path_factory.mktemp("docs")
    program = Program({"TOCSIN_DATA_DIR": str(folder / "data")})
    with program.serving():
        yield folder, program


def test_getting_started_comes_first() -> None:
    assert commands(START)
    assert len(RUN) >= 4


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_page_does_what_it_shows(hub: tuple[Path, Program], page: Path) -> None:
    """In order: later pages use what the first has made."""
    folder, program = hub
    if page != RUN[0] and not (folder / "alert.json").exists():
        for command in commands(RUN[0]):
            run(command, folder, program)
    for command in commands(page):
        run(command, folder, program)
