"""`kill -9` of everything there is to kill, and what earlier crashes leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.store.embedded import IS_ROOT, QUICK, User, alive, eventually, servers
from tocsin.store.embedded import EmbeddedPostgres

LINUX = sys.platform == "linux"
pytestmark = pytest.mark.skipif(not LINUX, reason="reads /proc")


def keeper_pid(postgres: EmbeddedPostgres) -> int:
    return int(postgres.home.keeper_lock.read_text())


def server_pid(postgres: EmbeddedPostgres) -> int:
    pid = postgres.server_pid
    assert pid is not None
    return pid


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def came_back(postgres: EmbeddedPostgres, killed: int) -> bool:
    return postgres.server_pid not in (None, killed) and answers(postgres.url)


def test_the_server_ends_when_its_only_user_is_killed(data_dir: Path) -> None:
    user, postgres = User(data_dir), EmbeddedPostgres(data_dir)
    assert user.entered() == postgres.url
    keeper = keeper_pid(postgres)
    user.kill()
    eventually(lambda: not alive(keeper), "the keeper ends")
    assert servers(postgres.home.cluster) == []


def test_the_server_stays_for_the_others_when_one_user_is_killed(data_dir: Path) -> None:
    first, second, postgres = User(data_dir), User(data_dir), EmbeddedPostgres(data_dir)
    first.entered()
    second.entered()
    pid = server_pid(postgres)
    first.kill()
    with EmbeddedPostgres(data_dir) as url:
        assert answers(url)
        assert postgres.server_pid == pid
    second.leave()


def test_a_killed_server_comes_back_at_the_same_url(embedded: EmbeddedPostgres) -> None:
    with psycopg.connect(embedded.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE one AS SELECT 1 AS n")
        killed = server_pid(embedded)
        os.kill(killed, signal.SIGKILL)
    eventually(lambda: came_back(embedded, killed), "the server comes back")
    with psycopg.connect(embedded.url) as connection:
        assert connection.execute("SELECT n FROM one").fetchone() == (1,)


@contextmanager
def busy_backend(url: str) -> Iterator[int]:
    """A backend that is busy with itself: it would not notice that its master is dead."""
    connection = psycopg.connect(url)
    try:
        connection.pgconn.send_query(
            b"DO $$ DECLARE n int := 0; BEGIN LOOP n := (n + 1) % 7; END LOOP; END $$"
        )
        pid = connection.info.backend_pid
        with psycopg.connect(url, autocommit=True) as watcher:
            query = "SELECT state = 'active' FROM pg_stat_activity WHERE pid = %s"
            eventually(lambda: watcher.execute(query, [pid]).fetchone() == (True,), "it is busy")
        yield pid
    finally:
        connection.close()


def test_a_query_of_the_killed_server_does_not_bar_the_next(embedded: EmbeddedPostgres) -> None:
    with busy_backend(embedded.url) as backend:
        killed = server_pid(embedded)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: came_back(embedded, killed), "the server comes back")
        assert not alive(backend)


def test_a_killed_keeper_takes_the_server_along_and_both_come_back(
    embedded: EmbeddedPostgres,
) -> None:
    keeper, killed = keeper_pid(embedded), server_pid(embedded)
    os.kill(keeper, signal.SIGKILL)
    eventually(lambda: came_back(embedded, killed), "another keeper starts another server")
    assert not alive(killed)
    assert keeper_pid(embedded) != keeper


def test_a_service_managers_stop_signal_for_all_does_not_end_what_is_in_use(
    embedded: EmbeddedPostgres,
) -> None:
    keeper, stopped = keeper_pid(embedded), server_pid(embedded)
    for pid in (keeper, stopped):
        os.kill(pid, signal.SIGTERM)
    eventually(lambda: came_back(embedded, stopped), "the server comes back")
    assert keeper_pid(embedded) == keeper


def test_nothing_is_left_when_user_and_keeper_are_killed(data_dir: Path) -> None:
    user, postgres = User(data_dir), EmbeddedPostgres(data_dir)
    user.entered()
    os.kill(keeper_pid(postgres), signal.SIGKILL)
    user.kill()
    eventually(lambda: servers(postgres.home.cluster) == [], "the server ends")


def test_what_was_committed_outlives_the_death_of_everything(data_dir: Path) -> None:
    user, postgres = User(data_dir), EmbeddedPostgres(data_dir)
    url = user.entered()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE thousand AS SELECT n FROM generate_series(1, 1000) n")
    with busy_backend(url) as backend:
        # Stopped first, so that neither ends what the other left in the moment between.
        os.kill(keeper_pid(postgres), signal.SIGSTOP)
        os.kill(server_pid(postgres), signal.SIGKILL)
        os.kill(keeper_pid(postgres), signal.SIGKILL)
        user.kill()
    # Nobody is left to end it: the next start must.
    assert alive(backend)
    with EmbeddedPostgres(data_dir, settings=QUICK) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM thousand").fetchone() == (1000,)
    assert not alive(backend)


def test_a_stale_pid_file_is_no_obstacle_though_its_number_is_in_use_again(data_dir: Path) -> None:
    postgres = EmbeddedPostgres(data_dir, settings=QUICK)
    with postgres:
        owner = postgres.home.cluster.stat().st_uid
    # A process of the server's own user, at which alone PostgreSQL takes offence.
    bystander = subprocess.Popen(["sleep", "600"], cwd="/", user=owner if IS_ROOT else None)
    try:
        said = f"{bystander.pid}\n/somewhere\n1700000000\n5432\n\n\n 1 2\nready\n"
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (postgres.home.cluster / name).write_text(said)
        with postgres as url:
            assert answers(url)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_broken_pid_file_is_no_obstacle(data_dir: Path) -> None:
    for content in ("", "nonsense", "-7\n", "0\n", "99999999999999999999\n"):
        (data_dir / "postgres" / "data" / "postmaster.pid").write_text(content)
        with EmbeddedPostgres(data_dir, settings=QUICK) as url:
            assert answers(url)


def test_a_crash_while_the_cluster_was_being_made_leaves_nothing_half_made(tmp_path: Path) -> None:
    half = tmp_path / "d" / "postgres" / "new-x"
    (half / "base").mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    postgres = EmbeddedPostgres(tmp_path / "d", settings=QUICK)
    with postgres as url:
        assert answers(url)
        assert not half.exists()
