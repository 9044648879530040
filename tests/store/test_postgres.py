"""The suite's own databases: apart from one another, migrated, on every server we support."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.postgres import Database, Server
from tests.support.workspace import Workspace


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


@pytest.fixture
def own_server(every_server: Server, tmp_path: Path) -> Iterator[Server]:
    """Without databases that other tests have used."""
    own = Server(every_server.url, tmp_path, owned=True)
    yield own
    own.close()


def test_what_a_test_has_left_is_gone_when_its_database_is_used_again(own_server: Server) -> None:
    with own_server.database() as database:
        before, identity = _content(database), _identity(database)
        workspace = Workspace(database.url)
        workspace.rule(event_types=["alert.triggered"])
        workspace.sql("INSERT INTO alembic_version VALUES ('another')")
        assert workspace.sql("SELECT nextval(seqrelid) FROM pg_sequence") != []
        assert _content(database) != before
    with own_server.database() as again:
        assert _identity(again) == identity
        assert _content(again) == before
        assert again.url != database.url


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE only_here ()",
        "ALTER TABLE tenants ALTER COLUMN name DROP NOT NULL",
        "ALTER TABLE alerts ADD COLUMN mood text",
        "DROP INDEX ix_alerts_external_id",
        "DROP TRIGGER alert_rules_configuration ON alert_rules",
        "DROP SCHEMA public CASCADE",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "VACUUM alembic_version",
        "ANALYZE alembic_version",
        "ALTER DATABASE {name} SET default_transaction_read_only = on",
    ],
)
def test_a_database_that_was_changed_is_not_used_again(own_server: Server, statement: str) -> None:
    with own_server.database() as database:
        identity = _identity(database)
        with database.connect() as connection:
            connection.execute(statement.format(name=connection.info.dbname))
    with own_server.database() as another:
        assert _identity(another) != identity
        assert _content(another)["alembic_version"]


def _identity(database: Database) -> object:
    with database.connect() as connection:
        return connection.execute(
            "SELECT oid FROM pg_database WHERE datname = current_database()"
        ).fetchone()


def _content(database: Database) -> dict[str, object]:
    of_kind = "SELECT relname FROM pg_class WHERE relkind = %s AND oid >= 16384"
    with database.connect() as connection:
        tables = [name for (name,) in connection.execute(of_kind, ["r"])]
        sequences = [name for (name,) in connection.execute(of_kind, ["S"])]
        return {
            **{name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables},
            **{
                name: connection.execute(f"SELECT last_value, is_called FROM {name}").fetchall()
                for name in sequences
            },
        }


def _names(server: Server) -> list[str]:
    with server._admin() as connection:
        return [name for (name,) in connection.execute("SELECT datname FROM pg_database")]
