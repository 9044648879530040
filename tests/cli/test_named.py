"""Every kind of thing is shown, edited, switched and deleted by its name."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.program import Ended, Program
from tocsin.access.vault import Vault
from tocsin.model import Secret


@pytest.fixture
def stocked(tocsin: Program) -> Program:
    for arguments in (
        ("integration", "create", "shop"),
        ("tenant", "create", "acme"),
        ("destination", "create", "hook", "--type", "webhook", "--set", "url=https://e.com/x"),
        ("rule", "create", "all", "--to", "hook"),
        ("inhibition", "create", "parent", "--source", "a=b", "--target", "c=d"),
        ("silence", "create", "--match", "host=a", "--for", "2h", "--comment", "work"),
        ("view", "create", "worst", "severity:critical", "--group-by", "team"),
    ):
        made = tocsin.call(*arguments)
        assert made.code == 0, made
    return tocsin


def document(program: Program, *arguments: str) -> Any:
    shown = program.call(*arguments, "--json")
    assert shown.code == 0, shown
    return json.loads(shown.out)


@pytest.mark.parametrize(
    ("noun", "name", "member", "value"),
    [
        ("rule", "all", "cooldown_seconds", 600),
        ("destination", "hook", "name", "hook-2"),
        ("integration", "shop", "default_severity", "HIGH"),
        ("tenant", "acme", "name", "Acme & Söhne"),
        ("inhibition", "parent", "grace_seconds", 30),
        ("silence", "last", "comment", "other work"),
        ("view", "worst", "query", "severity:critical,high"),
    ],
)
def test_a_member_is_changed_and_shown(
    stocked: Program, noun: str, name: str, member: str, value: Any
) -> None:
    said = value if isinstance(value, str) else json.dumps(value)
    changed = stocked.call(noun, "edit", name, "--set", f"{member}={said}")
    assert changed.code == 0, changed
    after = value if member == "name" else name
    assert document(stocked, noun, "show", after)[member] == value
    shown = stocked.call(noun, "show", after)
    assert shown.code == 0, shown
    refused = stocked.call(noun, "edit", after, "--set", "nonsense=1")
    assert refused.code == 2, refused
    assert "nonsense" in refused.err


def test_a_rule_is_shown_with_what_people_call_its_destinations(stocked: Program) -> None:
    shown = stocked.call("rule", "show", "all").out
    assert any(line.split() == ["destination", "ids", "hook"] for line in shown.splitlines()), shown


def test_members_come_from_a_file(stocked: Program, tmp_path: Path) -> None:
    file = tmp_path / "rule.json"
    file.write_text(json.dumps({"name": "some", "min_severity": "HIGH"}))
    assert stocked.call("rule", "edit", "all", "--from", str(file)).code == 0
    assert document(stocked, "rule", "show", "some")["min_severity"] == "HIGH"


def test_switched_and_deleted(stocked: Program) -> None:
    assert "switched off" in stocked.call("integration", "disable", "shop").err
    assert document(stocked, "integration", "show", "shop")["is_active"] is False
    assert stocked.call("integration", "enable", "shop").code == 0
    assert stocked.call("rule", "disable", "all").code == 0
    assert document(stocked, "rule", "show", "all")["is_enabled"] is False
    assert stocked.call("rule", "delete", "all").code == 0
    for noun, name in (
        ("destination", "hook"),
        ("integration", "shop"),
        ("tenant", "acme"),
        ("inhibition", "parent"),
        ("view", "worst"),
    ):
        gone = stocked.call(noun, "delete", name)
        assert gone.code == 0, gone
        assert stocked.call(noun, "show", name).code == 3


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, str]]:
    """At a terminal: the environment with an editor that does what is said to the text `text`."""

    class Typed(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Typed())

    def does(script: str) -> dict[str, str]:
        program = tmp_path / "editor.py"
        program.write_text(
            "import pathlib, sys\npath = pathlib.Path(sys.argv[1])\ntext = path.read_text()\n"
            f"{script}\npath.write_text(text)\n"
        )
        return {"VISUAL": f"{sys.executable} {program}"}

    return does


def test_the_editor_changes_what_it_changes(
    stocked: Program, editor: Callable[[str], dict[str, str]]
) -> None:
    def edit(name: str, script: str) -> Ended:
        return Program({**stocked.settings, **editor(script)}).call("rule", "edit", name)

    assert edit("all", "text = text.replace('\"all\"', '\"every\"')").code == 0
    assert document(stocked, "rule", "show", "every")["name"] == "every"
    same = edit("every", "pass")
    assert (same.code, "Nothing was changed" in same.err) == (0, True)
    broken = edit("every", "text = text[:-4]")
    assert broken.code == 1
    assert "is not JSON" in broken.err
    kept = Path(broken.err.split("what you wrote is in ")[1].split()[0])
    assert '"every"' in kept.read_text()
    kept.unlink()
    refused = edit("every", 'text = text.replace(\'"position": \', \'"position": -1, "x": \')')
    assert refused.code == 2, refused
    assert "/x: extra inputs" in refused.err
    Path(refused.err.split("what you wrote is in ")[1].split()[0]).unlink()


def test_a_secret_that_is_hidden_stays_as_it_is(
    stocked: Program, editor: Callable[[str], dict[str, str]]
) -> None:
    def stored() -> Any:
        with psycopg.connect(stocked.settings["TOCSIN_DATABASE_URL"]) as connection:
            return connection.execute("SELECT secret_config FROM alert_destinations").fetchone()

    before = stored()
    vault = Vault([Secret(stocked.settings["TOCSIN_SECRET_KEY"])])
    program = Program({**stocked.settings, **editor("text = text.replace('UTC', 'Asia/Tokyo')")})
    done = program.call("destination", "edit", "hook")
    assert done.code == 0, done
    after = document(stocked, "destination", "show", "hook")
    assert after["config"]["timezone"] == "Asia/Tokyo"
    assert vault.open(bytes(stored()[0])) == vault.open(bytes(before[0]))


def test_without_an_editor_it_says_what_to_do(stocked: Program) -> None:
    refused = stocked.call("rule", "edit", "all")
    assert refused.code == 2
    assert "--set MEMBER=VALUE" in refused.err


def test_views_are_listed_with_what_is_in_them(stocked: Program) -> None:
    listed = stocked.call("view", "list")
    assert listed.code == 0, listed
    for word in ("worst", "severity:critical", "everybody's"):
        assert word in listed.out
    assert document(stocked, "view", "list")[0]["count"] == 0
    assert stocked.call("view", "create", "bad", "severity:dreadful").code == 2
    assert stocked.call("view", "create", "mine", "status:open", "--own").code == 2
