"""What every command takes: a line on usage that can be read, and an answer for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tocsin.cli import app

RUNS = {"serve", "demo", "heartbeat run", "maintenance start"}
"""What runs until it is stopped, or runs a program: their output is that program's."""


def _commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    if children := getattr(command, "commands", None):
        for name, child in children.items():
            yield from _commands(child, *path, name)
    else:
        yield " ".join(path), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_usage_is_words_in_capitals(name: str) -> None:
    """Choices have their place in the help: in this line nobody can read them."""
    context = COMMANDS[name].make_context(name, [], resilient_parsing=True)
    for piece in COMMANDS[name].collect_usage_pieces(context):
        assert "<" not in piece
        assert piece == piece.upper() or piece == "[curl]", piece


@pytest.mark.parametrize("name", COMMANDS)
def test_every_answer_can_be_had_as_json(name: str) -> None:
    taken = {option for each in COMMANDS[name].params for option in getattr(each, "opts", ())}
    assert ("--json" in taken) is (name not in RUNS)


@pytest.mark.parametrize("name", COMMANDS)
def test_it_says_what_it_does(name: str) -> None:
    assert COMMANDS[name].help


def test_the_words_of_an_argument_stand_in_its_help() -> None:
    (action,) = (each for each in COMMANDS["act"].params if each.name == "action")
    assert action.help.startswith("acknowledge, unacknowledge, resolve")
    assert action.help.endswith(" or unsnooze.")
