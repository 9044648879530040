"""When it cannot start: one line that says what is wrong and what to do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.embedded import NOBODY, QUICK, User, as_root, interpreter
from tocsin.store.embedded import EmbeddedError, EmbeddedPostgres
from tocsin.store.embedded.errors import advice, condense


def refusal(data_dir: Path, **options: object) -> str:
    postgres = EmbeddedPostgres(data_dir, **{"settings": QUICK, **options})  # type: ignore[arg-type]
    with pytest.raises(EmbeddedError) as caught:
        postgres.start()
    text = str(caught.value)
    assert "\n" not in text
    assert postgres.server_pid is None
    return text


def test_data_of_another_major_version(spare_folder: Path) -> None:
    (spare_folder / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    said = refusal(spare_folder)
    assert "holds data of PostgreSQL 15, but this Tocsin brings 18" in said
    assert "docs/operations/database.md" in said


def test_a_folder_that_is_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "postgres" / "data" / "holiday.jpg").touch()
    assert "is not a PostgreSQL cluster" in refusal(tmp_path)
    assert (tmp_path / "postgres" / "data" / "holiday.jpg").exists()


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "set TOCSIN_DATA_DIR to a folder, not a file" in refusal(tmp_path / "file")
    assert "set TOCSIN_DATA_DIR to a folder, not a file" in refusal(tmp_path / "file" / "inside")


@as_root
def test_a_folder_of_another_user(tmp_path: Path) -> None:
    interpreter(NOBODY)
    user = User(tmp_path, uid=NOBODY)
    said = user.entered()
    assert "Permission denied" in said
    assert "run tocsin as the folder's owner" in said
    user.kill()


def test_a_damaged_control_file(spare_folder: Path) -> None:
    control = spare_folder / "postgres" / "data" / "global" / "pg_control"
    control.write_bytes(b"\0" * control.stat().st_size)
    said = refusal(spare_folder)
    assert "restore a backup" in said
    assert "server.log" in said


def test_a_missing_log(spare_folder: Path) -> None:
    for segment in (spare_folder / "postgres" / "data" / "pg_wal").glob("0*"):
        segment.unlink()
    said = refusal(spare_folder)
    assert "could not locate a valid checkpoint record" in said
    assert "restore a backup" in said


def test_a_setting_the_server_does_not_know(spare_folder: Path) -> None:
    local = spare_folder / "postgres" / "data" / "local.conf"
    local.write_text("shared_bufers = 1GB\n")
    said = refusal(spare_folder)
    assert "shared_bufers" in said
    assert "fix local.conf" in said
    local.write_text("")
    with EmbeddedPostgres(spare_folder, settings=QUICK) as url:
        assert url.startswith("postgresql://")


def test_no_programs(data_dir: Path) -> None:
    assert "no PostgreSQL in" in refusal(data_dir, programs=Path("/usr"))


def test_programs_that_do_not_run(data_dir: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "postgres").write_text("#!/bin/sh\necho 'cannot find libz' >&2\nexit 127\n")
    (programs / "postgres").chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/tmp"):
            folder.chmod(0o755)
    assert "cannot find libz" in refusal(data_dir, programs=programs)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("cannot mount a small disk here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@as_root
def test_a_full_disk_at_the_first_start(small_disk: Path) -> None:
    said = refusal(small_disk)
    assert "No space left on device" in said
    assert "free some disk space" in said
    assert list((small_disk / "postgres").glob("new-*")) == []
    assert not (small_disk / "postgres" / "data").exists()


@as_root
def test_a_full_disk_at_a_later_start(small_disk: Path, prepared_folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=80m", str(small_disk)], check=True)
    subprocess.run(["cp", "-a", str(prepared_folder / "postgres"), str(small_disk)], check=True)
    filler = ["dd", "if=/dev/zero", f"of={small_disk}/filler", "bs=64k"]
    assert subprocess.run(filler, capture_output=True, check=False).returncode != 0
    said = refusal(small_disk)
    assert "No space left on device" in said
    (small_disk / "filler").unlink()
    with EmbeddedPostgres(small_disk, settings=QUICK):
        pass


def test_the_informative_lines_of_a_log_are_chosen() -> None:
    log = """
2026-01-01 00:00:00.000 UTC [7] LOG:  starting PostgreSQL 18.6
2026-01-01 00:00:00.001 UTC [7] LOG:  could not bind Unix address "/x/.s.PGSQL.5432": Denied
2026-01-01 00:00:00.001 UTC [7] HINT:  Is another one running?
2026-01-01 00:00:00.002 UTC [7] FATAL:  could not create any Unix-domain sockets
2026-01-01 00:00:00.003 UTC [7] LOG:  database system is shut down
"""
    assert condense(log) == (
        'could not bind Unix address "/x/.s.PGSQL.5432": Denied; '
        "could not create any Unix-domain sockets"
    )


def test_a_log_without_informative_lines_gives_its_last() -> None:
    assert condense("one\n\ntwo\nthree\n") == "two; three"
    assert condense("") == ""


def test_advice_is_given_even_when_nothing_is_known() -> None:
    assert advice("strange things") == "see docs/operations/database.md"
