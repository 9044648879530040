"""The suite's own databases: apart from one another, migrated, on every server we support."""

from __future__ import annotations

from tests.support.postgres import Database, Server


def test_each_test_has_a_migrated_database_of_its_own(every_server: Server) -> None:
    with every_server.database() as one, every_server.database() as other:
        for database in (one, other):
            with database.connect() as connection:
                assert connection.execute("SELECT count(*) FROM alerts").fetchone() == (0,)
                connection.execute("CREATE TABLE only_here ()")


def test_a_dropped_database_is_gone_though_somebody_is_connected(every_server: Server) -> None:
    with every_server.database() as database:
        left_open = database.connect()
    assert left_open.info.dbname not in _names(every_server)


def test_the_oldest_supported_server_is_among_them(every_database: Database) -> None:
    with every_database.connect() as connection:
        assert connection.info.server_version >= 150_000
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)


def _names(server: Server) -> list[str]:
    with server._admin() as connection:
        return [name for (name,) in connection.execute("SELECT datname FROM pg_database")]
