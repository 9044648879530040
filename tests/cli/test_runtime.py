"""What commands stand on: the key of the data folder, and where the server is."""

from __future__ import annotations

import gc
import os
import threading
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from tests.cli.program import Program
from tests.support.postgres import Database
from tocsin.cli.kit import keys
from tocsin.cli.kit.exits import Exit, Failure
from tocsin.cli.server import server_file
from tocsin.model import Secret
from tocsin.settings import Settings
from tocsin.store.installation import newest_revision


def test_the_collector_runs_rarely_before_anything_slow_is_imported() -> None:
    usual = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    try:
        assert Program({}).call("--version").code == 0
        assert gc.get_threshold()[0] >= 50_000
    finally:
        gc.set_threshold(*usual)


def test_racing_processes_use_the_key_of_whoever_was_first(tmp_path: Path) -> None:
    start = threading.Barrier(12)
    found: list[tuple[Secret, ...]] = []

    def make() -> None:
        start.wait()
        found.append(keys.make(tmp_path))

    threads = [threading.Thread(target=make) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert keys.configured(Settings(data_dir=tmp_path)) == found[0]


def test_a_damaged_key_is_named_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("not-a-key-at-all")
    with pytest.raises(Failure) as failed:
        keys.configured(Settings(data_dir=tmp_path))
    assert str(tmp_path / "secret.key") in str(failed.value)
    assert "not-a-key-at-all" not in str(failed.value)


def test_a_lost_key_is_not_replaced_while_there_are_secrets(
    tocsin: Program, database: Database, tmp_path: Path
) -> None:
    from tocsin.cli.kit.runtime import prepare

    assert tocsin.call("integration", "create", "shop").code == 0
    with pytest.raises(Failure) as failed:
        prepare(Settings(data_dir=tmp_path), database.url)
    assert "secret.key is gone" in str(failed.value)
    assert failed.value.code is Exit.FAILED
    assert not (tmp_path / "secret.key").exists()


def test_the_server_is_found_while_it_runs_and_not_after(tmp_path: Path) -> None:
    assert server_file.running_server(tmp_path) is None
    with server_file.announced(tmp_path, "http://127.0.0.1:1") as said:
        assert said
        assert server_file.running_server(tmp_path) == "http://127.0.0.1:1"
        with server_file.announced(tmp_path, "http://127.0.0.1:2") as second:
            assert not second
        assert server_file.running_server(tmp_path) == "http://127.0.0.1:1"
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_server_left_is_not_believed(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        with server_file.announced(tmp_path, "http://127.0.0.1:1"):
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "server.json").exists()
    assert server_file.running_server(tmp_path) is None


def test_the_newest_revision_is_what_alembic_says() -> None:
    from tocsin.store.migrate import _config

    head = ScriptDirectory.from_config(_config("postgresql://")).get_current_head()
    assert newest_revision() == head
