"""What the doctor sees: every stored secret, and what the running server sees."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import psycopg
import pytest

from tests.cli.program import Program
from tocsin.access.vault import Vault
from tocsin.cli.server import control


def findings(program: Program) -> dict[str, dict[str, str]]:
    looked = program.call("doctor", "--json")
    assert looked.code in (0, 1), looked
    return {each["check"]: each for each in json.loads(looked.out)}


@pytest.fixture
def with_secrets(tocsin: Program) -> Program:
    for arguments in (
        ("integration", "create", "shop"),
        ("integration", "create", "pipes"),
        ("destination", "create", "hook", "--type", "webhook", "--set", "url=https://e.com/"),
    ):
        assert tocsin.call(*arguments).code == 0
    return tocsin


def test_every_stored_secret_is_opened(with_secrets: Program) -> None:
    found = findings(with_secrets)["stored secrets"]
    assert (found["health"], found["found"]) == ("ok", "all 3 can be opened")


def test_a_wrong_key_is_found_and_what_it_does_not_open_is_named(with_secrets: Program) -> None:
    new = Vault.new_key().reveal_text()
    other = Program({**with_secrets.settings, "TOCSIN_SECRET_KEY": new})
    assert other.call("integration", "rotate-secret", "pipes", "--overlap-minutes", "0").code == 0
    found = findings(other)["stored secrets"]
    assert found["health"] == "wrong"
    for name in ("integration shop in default", "destination hook in default"):
        assert name in found["found"]
    assert "integration pipes in" not in found["found"]
    both = f"{new},{with_secrets.settings['TOCSIN_SECRET_KEY']}"
    assert (
        findings(Program({**other.settings, "TOCSIN_SECRET_KEY": both}))["stored secrets"]["health"]
        == "ok"
    )


def test_a_database_that_finds_no_words_is_noted(tocsin: Program) -> None:
    assert tocsin.call("workspace", "list").code == 0
    assert findings(tocsin)["search"]["health"] == "ok"
    with psycopg.connect(tocsin.settings["TOCSIN_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("DROP EXTENSION pg_trgm CASCADE")
    found = findings(tocsin)
    assert (found["search"]["health"], found["schema"]["health"]) == ("note", "ok")
    assert "CREATE EXTENSION pg_trgm" in found["search"]["to_do"]


def test_a_lost_key_is_found(tmp_path: Path) -> None:
    tocsin = Program({"TOCSIN_DATA_DIR": str(tmp_path)})
    assert tocsin.call("integration", "create", "shop").code == 0
    (tmp_path / "secret.key").unlink()
    ended = tocsin.call("doctor")
    assert ended.code == 1
    assert "encrypted with a key that is gone" in ended.out
    assert not (tmp_path / "secret.key").exists()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_running_server_is_asked_for_what_it_sees(
    with_secrets: Program, tmp_path: Path, workers: str
) -> None:
    """The shell in which the doctor is called need not have the server's settings."""
    public = "https://alerts.example.com"
    server = Program({**with_secrets.settings, "TOCSIN_PUBLIC_URL": public})
    shell = Program({"TOCSIN_DATA_DIR": server.settings["TOCSIN_DATA_DIR"]})
    with server.running("serve", "--port", "0", "--workers", workers) as running:
        url = running.await_line(r"ready at (http://\S+)")[1]
        socket = tmp_path / "data" / control.FILE
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        looked = shell.call("doctor", "--json")
        found = {each["check"]: each for each in json.loads(looked.out)}
        assert f"server running at {url}" in looked.err
        assert found["public URL"]["found"] == public
        assert found["stored secrets"]["found"] == "all 3 can be opened"
        assert "PostgreSQL" in found
        assert running.stop() == 0
    assert not socket.exists()


def test_a_server_that_does_not_answer_is_said(tocsin: Program, tmp_path: Path) -> None:
    with tocsin.serving():
        (tmp_path / "data" / control.FILE).unlink()
        found = findings(tocsin)
        assert found["running server"]["health"] == "wrong"
        assert "does not answer" in found["running server"]["found"]


def test_only_what_is_known_is_answered(tmp_path: Path) -> None:
    with control.answering(tmp_path, {"one": lambda: 1}):
        assert control.ask(tmp_path, "one") == 1
        with pytest.raises(ValueError, match="Expecting value"):
            control.ask(tmp_path, "two")
    with pytest.raises(FileNotFoundError):
        control.ask(tmp_path, "one")


def test_the_settings_file_is_shown_and_kept_to_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    file = data / "tocsin.toml"
    file.write_text('port = 0\nsmtp_url = "smtp://u:s3cret@127.0.0.1:1"\nmail_from = "a@b.c"\n')
    file.chmod(0o644)
    program = Program({"TOCSIN_DATA_DIR": str(data), "TOCSIN_LOG_LEVEL": "error"})

    shown = program.call("settings")
    rows = {line.split()[0]: line for line in shown.out.splitlines()}
    assert f"{file}: port" in rows["TOCSIN_PORT"]
    assert "[hidden]" in rows["TOCSIN_SMTP_URL"]
    assert rows["TOCSIN_LOG_LEVEL"].split()[1:] == ["error", "TOCSIN_LOG_LEVEL"]
    assert rows["TOCSIN_HOST"].split()[1:] == ["127.0.0.1", "default"]
    assert "s3cret" not in shown.out + program.call("settings", "--json").out

    found = findings(program)["settings file"]
    assert (found["health"], found["to_do"]) == ("note", f"chmod 600 {file}")
    file.chmod(0o600)
    assert findings(program)["settings file"]["health"] == "ok"

    file.write_text("prot = 0\n")
    refused = program.call("settings")
    assert refused.code == 2
    assert "did you mean port?" in refused.err
