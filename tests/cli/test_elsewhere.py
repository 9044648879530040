"""Commands that ask a server elsewhere, with an API key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.program import Program, on_database
from tests.support.postgres import Server


@dataclass(frozen=True)
class Remote:
    url: str
    program: Program
    """A shell with a key, and without the server's settings or data folder."""
    key: str


@pytest.fixture(scope="module")
def remote(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    with postgres_server.database() as database:
        folder = tmp_path_factory.mktemp("remote")
        server = on_database(database, folder)
        with server.serving() as url:
            key = server.call("api-key", "create", "--role", "admin").out.strip()
            shell = {"TOCSIN_DATA_DIR": str(folder / "none"), "TOCSIN_API_KEY": key}
            yield Remote(url, Program(shell), key)


def test_a_command_asks_the_server_that_is_named(remote: Remote) -> None:
    made = remote.program.call("--server", remote.url, "integration", "create", "shop", "--json")
    assert made.code == 0, made
    shown = remote.program.call("--server", remote.url, "integration", "show", "shop")
    assert f"{remote.url}/webhooks/{json.loads(made.out)['id']}" in shown.out
    found = json.loads(
        remote.program.call("--server", remote.url, "workspace", "list", "--json").out
    )
    assert [each["slug"] for each in found] == ["default"]
    wrong = remote.program.call("--server", remote.url, "alerts", "--status", "open", "-w", "other")
    assert wrong.code == 2
    assert wrong.complaints == ["the API key is of the workspace 'default', not 'other'"]
    assert not Path(remote.program.settings["TOCSIN_DATA_DIR"]).exists()


def test_a_key_of_default_knows_of_every_workspace(remote: Remote) -> None:
    asked = ("--server", remote.url, "workspace")
    assert remote.program.call(*asked, "create", "night-shift").code == 0
    found = json.loads(remote.program.call(*asked, "list", "--json").out)
    assert sorted(each["slug"] for each in found) == ["default", "night-shift"]


def test_the_key_may_stand_in_a_file(remote: Remote, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(remote.key + "\n")
    shell = Program({"TOCSIN_DATA_DIR": str(tmp_path / "none")})
    options = ("--server", remote.url, "--api-key-file", str(file))
    assert shell.call(*options, "tenant", "list").code == 0
    file.write_text("tsn_" + "0" * 43)
    refused = shell.call(*options, "tenant", "list")
    assert (refused.code, len(refused.complaints)) == (1, 1)
    assert "unknown, revoked or expired" in refused.complaints[0]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--server", "http://127.0.0.1:9"), 4, "no answer from http://127.0.0.1:9"),
        (("--api-key-file", "x"), 2, "is for --server"),
        (("--server", "http://a", "--api-key-file", "/nowhere"), 2, "cannot read the API key"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    remote: Remote, options: tuple[str, ...], code: int, said: str
) -> None:
    ended = remote.program.call(*options, "alerts")
    assert (ended.code, len(ended.complaints)) == (code, 1)
    assert said in ended.complaints[0]


def test_a_server_elsewhere_needs_a_key(tmp_path: Path) -> None:
    ended = Program({"TOCSIN_DATA_DIR": str(tmp_path)}).call("--server", "http://a", "alerts")
    assert ended.code == 2
    assert "TOCSIN_API_KEY" in ended.complaints[0]
