"""Several processes on one data folder: the first starts the server, the last stops it."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg

from tests.store.embedded import QUICK, User, alive, python, servers
from tocsin.store.embedded import EmbeddedPostgres


def test_first_start_makes_a_durable_cluster_with_our_role_and_database(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "not" / "there" / "yet")
    with postgres as url, psycopg.connect(url) as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in (
                "fsync",
                "full_page_writes",
                "synchronous_commit",
                "data_checksums",
                "server_encoding",
                "timezone",
                "listen_addresses",
                "max_connections",
            )
        }
        who = connection.execute(
            "SELECT current_user::text, current_database()::text, rolsuper FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        locale = connection.execute(
            "SELECT datlocprovider::text, datlocale FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    assert {name: value[0] for name, value in shown.items() if value} == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "timezone": "UTC",
        "listen_addresses": "",
        "max_connections": "100",
    }
    assert who == ("tocsin", "tocsin", False)
    assert locale == ("b", "C.UTF-8")
    assert (tmp_path / "not" / "there" / "yet").stat().st_mode & 0o777 == 0o700
    assert servers(postgres.home.cluster) == []


def test_a_second_process_joins_and_the_last_one_stops(data_dir: Path) -> None:
    first, cluster = User(data_dir), data_dir / "postgres" / "data"
    url = first.entered()
    second = User(data_dir)
    assert second.entered() == url
    first.leave()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    second.leave()
    assert servers(cluster) == []


def test_racing_starters_share_one_server(data_dir: Path) -> None:
    users = [User(data_dir) for _ in range(4)]
    urls = {user.entered() for user in users}
    postgres = EmbeddedPostgres(data_dir)
    pid = postgres.server_pid
    assert urls == {postgres.url}
    for user in users[:-1]:
        user.leave()
        assert postgres.server_pid == pid
    users[-1].leave()


def test_a_user_who_comes_while_the_last_leaves_finds_a_server(data_dir: Path) -> None:
    faults: list[BaseException] = []

    def come_and_go() -> None:
        try:
            for _ in range(5):
                with (
                    EmbeddedPostgres(data_dir, settings=QUICK) as url,
                    psycopg.connect(url) as connection,
                ):
                    connection.execute("SELECT 1")
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=come_and_go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_start_and_stop_may_be_repeated(embedded: EmbeddedPostgres) -> None:
    assert embedded.start() == embedded.url
    embedded.stop()
    embedded.stop()
    assert embedded.server_pid is None
    with psycopg.connect(embedded.start()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_stop_waits_until_the_server_is_down(embedded: EmbeddedPostgres) -> None:
    pid = embedded.server_pid
    assert pid is not None
    assert alive(pid)
    embedded.stop()
    assert not alive(pid)


def test_the_url_serves_sqlalchemy(lasting_embedded: EmbeddedPostgres) -> None:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url

    engine = create_engine(make_url(lasting_embedded.url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT current_user")).scalar() == "tocsin"
    engine.dispose()


def test_an_operators_settings_count_but_open_no_port(spare_folder: Path) -> None:
    local = spare_folder / "postgres" / "data" / "local.conf"
    local.write_text("max_connections = 42\nlisten_addresses = '*'\n")
    with EmbeddedPostgres(spare_folder, settings=QUICK) as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW max_connections").fetchone() == ("42",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_the_database_may_have_any_name(lasting_embedded: EmbeddedPostgres) -> None:
    name = "a name; with 'quotes\" and %"
    with (
        EmbeddedPostgres(lasting_embedded.home.data_dir, dbname=name) as url,
        psycopg.connect(url) as connection,
    ):
        assert connection.info.dbname == name


def test_programs_of_postgresql_run_on_the_embedded_server(
    lasting_embedded: EmbeddedPostgres,
) -> None:
    call = "import runpy; runpy.run_module('tocsin.store.embedded', run_name='__main__')"
    process = python(call, lasting_embedded.home.data_dir, "psql", "-At", "-c", "SELECT 6 * 7")
    assert process.communicate(timeout=60)[0] == "42\n"
    assert process.returncode == 0


def test_a_dump_restores_into_a_new_folder(
    lasting_embedded: EmbeddedPostgres, tmp_path: Path
) -> None:
    """As docs/operations/database.md says."""

    def program(folder: Path, *arguments: str) -> None:
        call = "import runpy; runpy.run_module('tocsin.store.embedded', run_name='__main__')"
        process = python(call, folder, *arguments)
        process.communicate(timeout=60)
        assert process.returncode == 0

    dump = str(tmp_path / "tocsin.dump")
    with psycopg.connect(lasting_embedded.url) as connection:
        connection.execute("CREATE TABLE dumped AS SELECT 'ü' AS letter")
    program(lasting_embedded.home.data_dir, "pg_dump", "--format=custom", f"--file={dump}")
    program(tmp_path / "new", "pg_restore", "--no-owner", "--dbname=tocsin", dump)
    with EmbeddedPostgres(tmp_path / "new") as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT letter FROM dumped").fetchone() == ("ü",)
