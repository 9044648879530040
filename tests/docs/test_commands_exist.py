"""Every command that a page, or the program itself, names is one, with options that it has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.docs.pages import PAGES
from tests.support.paths import ROOT
from tocsin.cli import app

_INLINE = re.compile(r"`([^`\n]*\btocsin [^`\n]+)`")
_FENCED = re.compile(r"^```(?:sh|console|ini|bash)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CALL = re.compile(r"(?:^|(?<!--name)(?<!-u) |bin/|\()tocsin (?!tocsin)([-a-z].*)", re.DOTALL)
_ANSWER = re.compile(r"\$\([^()]*\)")
_END = re.compile(r"\s*(?:\||&&|;|[0-9]?>|<|\s#).*", re.DOTALL)
PROGRAM: Any = typer.main.get_command(app)
SOURCES = sorted((ROOT / "src" / "tocsin").rglob("*.py"))


def _faults(call: str) -> Iterator[str]:
    """What is wrong with what stands behind `tocsin`."""
    try:
        words = shlex.split(_END.sub("", _ANSWER.sub("answer", call)), comments=True)
    except ValueError:
        return
    command, values, arguments = PROGRAM, 0, 0
    for place, word in enumerate(words):
        children = getattr(command, "commands", None)
        if values:
            values -= 1
        elif word == "--":
            return
        elif word.startswith("-") and word.strip("-"):
            option, equals, _ = word.partition("=")
            found = _options(command).get(option.rstrip(".,:;)…"))
            if found is None:
                yield f"{command.name} has no {option.rstrip('.,:;)…')}"
                return
            if not equals:
                values = found
        elif children and word in children:
            command = children[word]
        elif children:
            if re.fullmatch(r"[a-z][a-z-]+", word) and (place == 0 or command is not PROGRAM):
                yield f"{command.name or 'tocsin'} has no command {word}"
                return
        else:
            arguments += 1
            if arguments > _most_arguments(command):
                yield f"{command.name} takes no {word}"
                return


def _most_arguments(command: Any) -> float:
    found = [each.nargs for each in command.params if each.param_type_name == "argument"]
    return float("inf") if -1 in found else sum(found)


def _options(command: Any) -> dict[str, int]:
    """How many words follow each option."""
    taken = dict.fromkeys(("-h", "--help", "--install-completion", "--show-completion"), 0)
    for each in command.params:
        values = 0 if getattr(each, "is_flag", False) else each.nargs
        taken |= dict.fromkeys((*each.opts, *each.secondary_opts), values)
    return taken


def _calls(page: Path) -> Iterator[str]:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    for line in [*lines, *_INLINE.findall(outside)]:
        if found := _CALL.search(line):
            yield found[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_commands_that_there_are(page: Path) -> None:
    assert {call: faults for call in _calls(page) if (faults := list(_faults(call)))} == {}


def test_the_program_names_commands_that_there_are() -> None:
    """In its messages, where `tocsin …` stands in backticks."""
    for path in SOURCES:
        text = re.sub(r'"\n\s*f?"', "", path.read_text(encoding="utf-8"))
        for quoted in re.findall(r"`tocsin ([a-z][^`{]*)[`{]", text):
            assert not list(_faults(quoted)), (path.name, quoted)


def test_what_is_no_command_is_found() -> None:
    assert list(_faults("alerts --stat open")) == ["alerts has no --stat"]
    assert list(_faults("integration crate shop")) == ["integration has no command crate"]
    assert list(_faults("alert | head")) == []
    assert list(_faults("webhooks list --integration shop")) == ["webhooks takes no list"]
    assert list(_faults("webhooks --integration shop")) == []
    assert list(_faults("nonsense")) == ["tocsin has no command nonsense"]
