"""Maintenance around a command: it lasts as long as the command does, and stays out of its way."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Program, on_database
from tests.support.postgres import Server

START = ("maintenance", "start", "-m", "host=db-1", "--for", "90s")


@pytest.fixture(scope="module")
def tocsin(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """With a server running."""
    with postgres_server.database() as database:
        program = on_database(database, tmp_path_factory.mktemp("held"))
        with program.serving():
            yield program


def _windows(tocsin: Program, *more: str) -> list[Any]:
    listed: list[Any] = json.loads(tocsin.call("maintenance", "list", "--json", *more).out)
    return listed


def test_it_lasts_while_the_command_runs_and_for_its_time_at_most(
    tocsin: Program, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    waits = f"echo begun; while [ ! -e {go} ]; do sleep 0.05; done; exit 7"
    with tocsin.running(*START, "-c", "why", "--", "sh", "-c", waits) as running:
        running.await_line("begun")
        (lasting,) = _windows(tocsin)
        assert (lasting["state"], lasting["comment"]) == ("active", "why")
        assert lasting["name"].startswith("sh -c echo begun")
        starts, ends = (
            datetime.fromisoformat(lasting["current"][each]) for each in ("starts_at", "ends_at")
        )
        assert ends - starts == timedelta(minutes=2)
        go.touch()
        assert running.process.wait(30) == 7
    assert _windows(tocsin) == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_command_which_may_do_as_it_likes(
    tocsin: Program, sent: signal.Signals
) -> None:
    name = sent.name.removeprefix("SIG")
    script = f"trap 'echo caught; exit 9' {name}; echo begun; while :; do sleep 0.05; done"
    with tocsin.running(*START, "--", "sh", "-c", script) as running:
        running.await_line("begun")
        assert running.stop(sent) == 9
        running.await_line("caught")
    assert _windows(tocsin) == []


def test_a_command_that_is_killed_ends_us_by_the_same_signal(tocsin: Program) -> None:
    with tocsin.running(*START, "--", "sh", "-c", "kill -9 $$") as running:
        assert running.process.wait(30) == -signal.SIGKILL
    assert _windows(tocsin) == []


def test_a_command_that_cannot_be_run_leaves_no_maintenance(
    tocsin: Program, tmp_path: Path
) -> None:
    for command, code in (("/no/such/command", 127), (str(tmp_path), 126)):
        ended = tocsin.call(*START, "--", command)
        assert ended.code == code
        assert command in ended.err
    assert _windows(tocsin) == []


def test_options_of_the_command_are_its_own(tocsin: Program) -> None:
    ended = tocsin.run(*START, "--", "echo", "--match", "-m", "--help")
    assert (ended.code, ended.out) == (0, "--match -m --help\n")


def test_nothing_is_run_where_nothing_can_be_held(tocsin: Program, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    for arguments in (
        ("maintenance", "start", "--", "touch", str(touched)),
        ("maintenance", "start", "-m", "host!=db-1", "--", "touch", str(touched)),
    ):
        assert tocsin.call(*arguments).code == 2
    assert not touched.exists()


def test_what_lasts_is_extended_by_so_much(tocsin: Program) -> None:
    made = tocsin.call("maintenance", "create", "Longer", "-m", "host=db-1", "--for", "30m")
    assert made.code == 0, made
    said = tocsin.call("maintenance", "extend", "Longer", "--for", "20m", "--json")
    window = json.loads(said.out)
    assert window["duration_minutes"] == 50
    (listed,) = _windows(tocsin, "--state", "active")
    assert listed["current"] == window["current"]
    assert _windows(tocsin, "--state", "pending") == []
    assert "Longer lasts until" in tocsin.call("maintenance", "extend", "Longer", "--for", "1m").err
    tocsin.call("maintenance", "end", "Longer")
    late = tocsin.call("maintenance", "extend", "Longer", "--for", "20m")
    assert late.code == 1
    assert "does not last now (it is expired)" in late.err


def test_one_that_repeats_is_not_extended(tocsin: Program) -> None:
    weekly = ("--repeat", "FREQ=DAILY", "--for", "2h")
    tocsin.call("maintenance", "create", "Each day", "-m", "host=db-1", *weekly)
    said = tocsin.call("maintenance", "extend", "Each day", "--for", "20m")
    assert said.code == 2
    assert "repeats" in said.err
    tocsin.call("maintenance", "delete", "Each day")
