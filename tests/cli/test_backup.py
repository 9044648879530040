"""The whole installation as one file, brought back elsewhere; and its move to another PostgreSQL."""

from __future__ import annotations

import json
import stat
import tarfile
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.support.postgres import Database, Server
from tocsin.access.vault import Vault
from tocsin.store import dump as dumps


def embedded(folder: Path, **settings: str) -> Program:
    return Program({"TOCSIN_DATA_DIR": str(folder), "TOCSIN_LOG_LEVEL": "error", **settings})


def hub_with_an_alert(program: Program, folder: Path) -> str:
    """Its title."""
    body = folder / "body.json"
    body.write_text(json.dumps({"title": "Disk full — ∞", "external_id": "d1"}))
    made = ("destination", "create", "hook", "--type", "webhook", "--set", "url=https://e.com/x")
    for arguments in (("integration", "create", "shop"), made):
        assert program.call(*arguments).code == 0
    with program.serving():
        assert program.call("send", "-i", "shop", str(body)).code == 0
    return "Disk full — ∞"


def alerts(program: Program) -> list[tuple[str, str]]:
    listed = program.call("alerts", "--json")
    assert listed.code == 0, listed
    return [(each["id"], each["title"]) for each in json.loads(listed.out)]


def test_a_backup_is_brought_back_with_its_key(tmp_path: Path) -> None:
    program = embedded(tmp_path / "data")
    title = hub_with_an_alert(program, tmp_path)
    file = tmp_path / "tocsin.tar"
    with program.serving():
        written = program.call("backup", str(file))
        assert written.code == 0, written
    assert "keep it where nobody else can read it" in written.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["body.json", "data", "tocsin.tar"]
    again = program.call("backup", str(file))
    assert (again.code, "exists" in again.err) == (2, True)

    other = embedded(tmp_path / "other")
    restored = other.call("restore", str(file))
    assert restored.code == 0, restored
    assert "restored 1 alerts, 1 integrations and 1 destinations" in restored.out
    assert "All 2 stored secrets can be opened" in restored.err
    assert alerts(other) == alerts(program)
    assert alerts(other)[0][1] == title
    health = {each["check"]: each for each in json.loads(other.call("doctor", "--json").out)}
    assert health["stored secrets"]["found"] == "all 2 can be opened"
    assert health["schema"]["health"] == "ok"
    twice = other.call("restore", str(file))
    assert twice.code == 1
    assert "there is a Tocsin in this database already" in twice.err


def test_keys_are_kept_apart_on_wish(tmp_path: Path, database: Database) -> None:
    key = Vault.new_key().reveal_text()
    settings = {"TOCSIN_DATABASE_URL": database.url, "TOCSIN_SECRET_KEY": key}
    program = embedded(tmp_path / "data", **settings)
    assert program.call("integration", "create", "shop").code == 0
    file = tmp_path / "tocsin.tar"
    written = program.call("backup", str(file), "--without-key")
    assert "nobody can read the secrets" in written.err
    with tarfile.open(file) as archive:
        assert archive.getnames() == ["backup.json", "tocsin.dump"]
    assert key.encode() not in file.read_bytes()

    without = embedded(tmp_path / "other").call("restore", str(file))
    assert (without.code, "put secret.key into" in without.err) == (2, True)
    wrong = embedded(tmp_path / "other", TOCSIN_SECRET_KEY=Vault.new_key().reveal_text())
    refused = wrong.call("restore", str(file))
    assert (refused.code, "does not hold the key" in refused.err) == (2, True)
    right = embedded(tmp_path / "other", TOCSIN_SECRET_KEY=key).call("restore", str(file))
    assert right.code == 0, right
    assert not (tmp_path / "other" / "secret.key").exists()


@pytest.mark.parametrize("harm", ["cut", "text", "missing", "newer"])
def test_what_is_no_backup_changes_nothing(tmp_path: Path, tocsin: Program, harm: str) -> None:
    assert tocsin.call("integration", "create", "shop").code == 0
    file = tmp_path / "tocsin.tar"
    assert tocsin.call("backup", str(file)).code == 0
    body = file.read_bytes()
    if harm == "cut":
        file.write_bytes(body[: len(body) // 2])
    elif harm == "text":
        file.write_text("hello")
    elif harm == "missing":
        file.unlink()
    else:
        file.write_bytes(body.replace(b'"schema": "0', b'"schema": "9'))
    other = embedded(tmp_path / "other")
    refused = other.call("restore", str(file))
    assert refused.code in (1, 3)
    assert len(refused.complaints) == 1, refused.err
    assert not (tmp_path / "other" / "secret.key").exists()


def test_a_dump_that_breaks_off_leaves_nothing(tmp_path: Path, postgres_server: Server) -> None:
    with postgres_server.database() as full, postgres_server.database() as empty:
        file = tmp_path / "dump"
        dumps.dump(full.url, file)
        with empty.connect() as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        file.write_bytes(file.read_bytes()[: file.stat().st_size * 3 // 4])
        with pytest.raises(dumps.DumpError):
            dumps.restore(empty.url, file)
        assert dumps.is_empty(empty.url)


def test_it_moves_to_another_postgresql(
    tmp_path: Path, every_server: Server, every_database: Database
) -> None:
    """Debian's, which is older than the one that comes with Tocsin, too."""
    with every_database.connect() as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    program = embedded(tmp_path / "data")
    hub_with_an_alert(program, tmp_path)
    with program.serving():
        assert "stop it first" in program.call("database", "move", every_database.url).err
    moved = program.call("database", "move", every_database.url)
    assert moved.code == 0, moved
    told = dict(line.split(" = ", 1) for line in moved.out.splitlines())
    (tmp_path / "data" / "tocsin.toml").write_text(moved.out)
    assert set(told) == {"database_url", "secret_key_file"}
    before = alerts(embedded(tmp_path / "data", TOCSIN_CONFIG="/dev/null"))
    assert alerts(program) == before
    health = {each["check"]: each for each in json.loads(program.call("doctor", "--json").out)}
    assert health["stored secrets"]["found"] == "all 2 can be opened"
    again = program.call("database", "move", every_database.url)
    assert "not empty" in again.err
