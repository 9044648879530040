"""Tables in the documentation against the code they describe."""

from __future__ import annotations

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from tests.docs.pages import PAGES, ROOT
from tocsin.cli import app
from tocsin.cli.kit.exits import Exit
from tocsin.ingest.refusals import LIMITED, NOT_POST, TOO_SLOW, UNKNOWN
from tocsin.problems import PROBLEMS
from tocsin.settings import NAMED, Settings
from tocsin.settings.names import CONFIG

OPERATIONS = ROOT / "docs" / "operations"


def rows(page: Path) -> list[list[str]]:
    lines = page.read_text(encoding="utf-8").splitlines()
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines if line[:1] == "|"
    ]


def test_every_setting_is_documented_with_its_default() -> None:
    described = {row[0].strip("`"): row for row in rows(OPERATIONS / "settings.md")}
    documented = {name for name in described if name.startswith("TOCSIN_")}
    assert documented == {CONFIG, *(named.name for named in NAMED)}
    defaults = {each.name: each.default for each in fields(Settings)}
    for named in NAMED:
        name, field, is_secret = named.name, named.field, named.is_secret
        default, meaning = described[name][1], described[name][2]
        assert ("*secret*" in meaning) == is_secret, name
        if isinstance(defaults[field], str | int | float):
            assert default == f"`{defaults[field]}`", name
        elif defaults[field] in (None, ()):
            assert default.startswith("*"), name


def test_every_command_is_documented() -> None:
    group = typer.main.get_command(app)
    names = set(getattr(group, "commands", {}))
    described = {row[0].strip("`") for row in rows(OPERATIONS / "command-line.md")}
    assert names <= described


def test_every_exit_code_is_documented() -> None:
    described = {row[0] for row in rows(OPERATIONS / "command-line.md")}
    assert {str(code.value) for code in Exit} <= described


def test_every_answer_of_the_webhook_endpoint_is_documented() -> None:
    text = (ROOT / "docs" / "concepts" / "ingest.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", text))
    for declined in (LIMITED, TOO_SLOW, UNKNOWN):
        assert declined.problem in named
    assert {slug for slug in named if slug in PROBLEMS} >= {
        "missing-signature",
        "invalid-signature",
        "stale-timestamp",
        "integration-inactive",
        "payload-too-large",
        "invalid-payload",
        "overloaded",
        "database-unavailable",
        "internal-error",
    }
    assert NOT_POST.problem in PROBLEMS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page.name} → {target}"
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), f"{page.name} → {target}"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def test_what_continuous_integration_runs_is_there_and_sound() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", script], check=True)
