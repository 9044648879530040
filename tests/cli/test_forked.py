"""Programs that are forked are as those that are started: what tests that use them rely on."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.cli.program import PATIENCE, Program, on_database
from tests.support.forked import Forked, fork
from tests.support.postgres import Database
from tocsin.cli.server.server_file import running_server


def ended(forked: Forked) -> tuple[int, str, str]:
    assert forked.stderr is not None
    said = forked.stdout.read(), forked.stderr.read()
    forked.stdout.close()
    forked.stderr.close()
    return (forked.wait(PATIENCE), *said)


def both(program: Program, *arguments: str) -> tuple[object, object]:
    """How it ends as a process that is started, and as one that is forked."""
    started = program.run(*arguments)
    forked = ended(fork("tocsin.cli", *arguments, environment=program.environment))
    return (started.code, started.out, started.err), forked


def test_it_has_its_arguments_environment_streams_and_status(tmp_path: Path) -> None:
    shell = Program({"TOCSIN_DATA_DIR": str(tmp_path), "TOCSIN_LOG_LEVEL": "loud"})
    for arguments in (["--version"], ["alerts", "--nonsense"], ["alerts"], ["settings"]):
        started, forked = both(shell, *arguments)
        assert forked == started, arguments
    code, out, err = ended(fork("tocsin.cli", "settings", environment=shell.environment))
    assert (code, out) == (2, "")
    assert "TOCSIN_LOG_LEVEL" in err


def test_it_is_a_process_of_its_own_that_a_signal_ends(database: Database, tmp_path: Path) -> None:
    program = on_database(database, tmp_path)
    with program.serving() as url:
        assert running_server(tmp_path / "data") == url
    assert running_server(tmp_path / "data") is None
    forked = fork("tocsin.cli", "serve", "--port", "0", environment=program.environment)
    assert "ready at" in forked.stdout.readline()
    assert forked.pid not in (os.getpid(), os.getppid())
    assert psutil.pid_exists(forked.pid)
    assert forked.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        forked.wait(0.01)
    forked.kill()
    assert ended(forked)[0] == -signal.SIGKILL
    assert not psutil.pid_exists(forked.pid)
    forked.kill()  # it is nobody's process now


def test_the_end_of_one_is_said_though_another_was_forked_meanwhile(tmp_path: Path) -> None:
    environment = Program({"TOCSIN_DATA_DIR": str(tmp_path)}).environment
    lasting = fork("tocsin.cli", "receive", "--port", "0", environment=environment)
    assert lasting.stderr is not None
    assert "Receiving" in lasting.stderr.readline()
    assert ended(fork("tocsin.cli", "--version", environment=environment))[0] == 0
    lasting.send_signal(signal.SIGTERM)
    lasting.wait(20)
