"""Commands ask the server that runs on their data folder, and import the application only where none
does."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.cli.program import PATIENCE, Ended, Program, on_database
from tests.cli.test_folders import COMMANDS, EVERY_COMMAND, ROOT, SOME_ID
from tests.store.embedded import IS_ROOT, NOBODY, python
from tests.support.postgres import Database, Server
from tocsin.cli.calling import over_socket, unix_socket

SLOW = (
    "fastapi",
    "starlette",
    "pydantic",
    "sqlalchemy",
    "psycopg",
    "aiohttp",
    "uvicorn",
    "alembic",
)
"""What takes long to import."""

# Needs the keys, the database or a port itself.
_ON_THEIR_OWN = {
    "backup",
    "restore",
    "database move",
    "serve",
    "demo",
    "send",
    "doctor",
    "migrate",
    "workspace list",
}

# Runs commands in one process, and says after each what is imported.
_EACH_AFTER_THE_OTHER = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from tocsin.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv[:] = ["tocsin", *arguments]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = ended.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue(), sorted(sys.modules)]))
"""


@pytest.fixture(scope="module")
def served(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with postgres_server.database() as database:
        program = on_database(database, tmp_path_factory.mktemp("served"))
        with program.serving():
            yield program


def test_no_command_imports_the_application_where_a_server_runs(
    served: Program, tmp_path: Path
) -> None:
    url = "url=https://example.com/"
    prepared = [
        ["integration", "create", "first"],
        ["destination", "create", "hook", "--type", "webhook", "--set", url],
        ["rule", "create", "all", "--to", "hook"],
    ]
    body = tmp_path / "body.json"
    body.write_text("{}")
    asked = [
        [*name.split(), *(each.replace("{body}", str(body)) for each in arguments)]
        for name, arguments in COMMANDS.items()
        if name not in _ON_THEIR_OWN
    ]
    calls = [*prepared, *asked]
    done = subprocess.run(
        [sys.executable, "-c", _EACH_AFTER_THE_OTHER, json.dumps(calls)],
        env=served.environment,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    ended = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ended) == len(calls)
    for call, (code, out, err, imported) in zip(calls, ended, strict=True):
        assert not {*SLOW, "tocsin.app", "tocsin.hub"} & set(imported), call
        assert "Traceback" not in err, (call, err)
        # Answered, whatever the answer is: 404 for what there is not, 409 for what is taken.
        assert code in (0, 1, 3), (call, code, out, err)
        assert code == 0 or out or err.startswith("tocsin: "), (call, err)


def test_the_socket_is_its_owners_only(served: Program) -> None:
    path = Path(served.settings["TOCSIN_DATA_DIR"]) / over_socket.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_done_through_the_socket_is_audited_as_the_command_line(served: Program) -> None:
    assert _without_application(served, "tenant", "create", "audited").code == 0
    found = json.loads(_without_application(served, "audit", "--json").out)[0]
    assert (found["action"], found["object_type"]) == ("created", "tenant")
    assert found["actor"]["name"].startswith("command line (")


def test_answers_are_the_same_either_way(served: Program) -> None:
    # No integrations: only the server knows the port that stands in their addresses.
    through = _without_application(served, "tenant", "list", "--json")
    with mock.patch.object(over_socket, "FILE", "nowhere"):
        directly = served.call("tenant", "list", "--json")
    assert (through.code, through.out) == (directly.code, directly.out)
    missing = _without_application(served, "webhook", SOME_ID)
    assert (missing.code, len(missing.complaints)) == (3, 1)
    unknown = _without_application(served, "alerts", "--workspace", "nowhere")
    assert unknown.code == 3
    assert "there is no workspace 'nowhere'" in unknown.complaints[0]


def test_a_shell_without_the_servers_settings_asks_it_all_the_same(served: Program) -> None:
    shell = Program({"TOCSIN_DATA_DIR": served.settings["TOCSIN_DATA_DIR"]})
    assert _without_application(shell, "tenant", "list").code == 0


def test_a_command_meant_for_another_database_does_not_ask_the_server(
    served: Program, database: Database
) -> None:
    assert _without_application(served, "tenant", "create", "here").code == 0
    other = Program({**served.settings, "TOCSIN_DATABASE_URL": database.url})
    found = other.call("tenant", "list", "--json")
    assert found.code == 0, found
    assert "here" not in {each["slug"] for each in json.loads(found.out)}


def test_every_worker_answers_and_one_that_dies_is_not_missed(tocsin: Program) -> None:
    with tocsin.running("serve", "--port", "0", "--workers", "2") as running:
        running.await_line(r"ready at (http://\S+)")
        for _ in range(8):
            assert _without_application(tocsin, "tenant", "list").code == 0
        worker = next(each for each in running.descendants() if "spawn_main" in str(each.cmdline()))
        worker.kill()
        for _ in range(8):
            assert _without_application(tocsin, "tenant", "list").code == 0
        assert running.stop() == 0
    assert not (Path(tocsin.settings["TOCSIN_DATA_DIR"]) / over_socket.FILE).exists()


def test_the_socket_of_a_killed_server_is_in_nobodys_way(tocsin: Program) -> None:
    path = Path(tocsin.settings["TOCSIN_DATA_DIR"]) / over_socket.FILE
    with tocsin.running("serve", "--port", "0") as running:
        running.await_line(r"ready at (http://\S+)")
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(PATIENCE)
    assert path.is_socket()
    assert tocsin.call("tenant", "list").code == 0
    with tocsin.serving():
        assert _without_application(tocsin, "tenant", "list").code == 0


def test_a_data_folder_may_lie_deeper_than_an_address_is_long(
    database: Database, tmp_path: Path
) -> None:
    deep = tmp_path.joinpath(*["a-long-name-of-a-folder"] * 8)
    assert len(str(deep)) > 150
    program = on_database(database, deep)
    with program.serving():
        assert _without_application(program, "tenant", "list").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tenant", "list"), "ended before it answered; try again"),
        (("tenant", "create", "acme"), "whether it still did this is not known"),
    ],
)
def test_a_server_that_ends_in_the_middle_is_said_in_one_line(
    tocsin: Program, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()

    def greet_and_go(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.readline()
            stream.write(b'{"refused": null}\n')
            stream.flush()
            stream.readline()

    with unix_socket.listen(folder, over_socket.FILE) as listener:
        thread = threading.Thread(target=greet_and_go, args=(listener,))
        thread.start()
        ended = tocsin.call(*arguments)
        thread.join(PATIENCE)
    assert ended.code == 4
    assert len(ended.complaints) == 1
    assert said in ended.complaints[0]
    assert "Traceback" not in ended.err


def test_a_server_that_ends_before_it_greets_is_as_none(tocsin: Program, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with unix_socket.listen(folder, over_socket.FILE) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].close())
        thread.start()
        assert tocsin.call("tenant", "list").code == 0
        thread.join(PATIENCE)


@pytest.mark.skipif(not IS_ROOT, reason="only root can try what another user may do")
def test_another_user_is_refused_even_where_the_folder_is_open(database: Database) -> None:
    # Not pytest's folder: every other run of it closes that to others again.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        program = on_database(database, folder)
        with program.serving():
            (folder / "data").chmod(0o755)
            (folder / "data" / over_socket.FILE).chmod(0o666)
            call = json.dumps([["list", program.settings, ["tenant", "list"]]])
            process = python(EVERY_COMMAND, call, ROOT, uid=NOBODY)
            said, _ = process.communicate(timeout=PATIENCE)
    code, out, err = json.loads(said.splitlines()[-1])["list"]
    assert (code, out) == (1, "")
    assert "answers its owner only" in err
    assert len(err.splitlines()) == 1


def _without_application(program: Program, *arguments: str) -> Ended:
    """Calls a command for which the way over an own application is closed."""
    with mock.patch(
        "tocsin.cli.calling.in_process.in_process_api", side_effect=AssertionError("not asked")
    ):
        return program.call(*arguments)
