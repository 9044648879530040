"""A database made by the first migration, with data in it, is brought to the newest schema: nothing of
history is lost, and what it mentions is there again, marked as deleted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.store import past_of_0001 as past
from tests.support.postgres import Server
from tocsin.store import migrate

VERSIONS = Path(migrate.__file__).parent / "migrations" / "versions"
FROZEN = {
    "0001_schema.py": "145cefa5b740e78699077ab3067be35b30cd6a12ac6589262c6655bf2dc00cf6",
    "0001_schema.sql": "297a8b9cf3960ce30dea7689e7bd1b0cc2b14037436632a5447710cd308f1b1e",
}

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def old(every_server: Server) -> Iterator[str]:
    """The URL of a database as the first migration left it, filled."""
    with every_server.database() as database:
        with database.connect() as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        past.make(database.url)
        yield database.url


@pytest.mark.parametrize("name", FROZEN)
def test_the_first_migration_is_frozen(name: str) -> None:
    """Databases made by it exist: change the schema by a new migration."""
    assert hashlib.sha256((VERSIONS / name).read_bytes()).hexdigest() == FROZEN[name]


def test_the_migrations_stand_in_one_line() -> None:
    numbers = [path.name.partition("_")[0] for path in sorted(VERSIONS.glob("[0-9]*.py"))]
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_the_old_database_has_something_in_every_table(old: str) -> None:
    assert [table for table, rows in _rows(old).items() if not rows] == []


def test_an_upgrade_gives_the_newest_schema_and_can_be_repeated(old: str) -> None:
    migrate.upgrade(old, "0005")
    once = _rows(old)
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    migrate.upgrade(old, "0005")
    assert _rows(old) == once

    migrate.upgrade(old)
    assert migrate.check(old) == []


def test_quiet_hours_become_a_list(old: str) -> None:
    window = {"days": ["sat"], "start": "00:00", "end": "00:00", "timezone": "UTC"}
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute("UPDATE alert_rules SET quiet_hours = %s", [json.dumps(window)])
    migrate.upgrade(old)
    with psycopg.connect(old) as connection:
        rows = connection.execute(
            "SELECT quiet_hours, unless FROM alert_rules WHERE deleted_at IS NULL"
        ).fetchall()
    assert rows == [([window], [])]


def test_an_upgrade_keeps_every_row(old: str) -> None:
    before = _rows(old)
    migrate.upgrade(old)
    after = _rows(old)

    lost = {
        (table, name, value)
        for table, rows in before.items()
        for row in rows
        for name, value in row.items()
        if (_same(row, after[table]) or {}).get(name) != value
    }
    assert lost == {("webhook_deliveries", "alert_id", str(past.PURGED_ALERT))}


def test_what_history_mentions_is_there_again_marked_as_deleted(old: str) -> None:
    migrate.upgrade(old)
    rows = _rows(old)

    assert _named(rows["tenants"]) == {
        past.DELETED_TENANT: ("Acme", past.WORKSPACE),
    }
    assert (
        _named(rows["integrations"]).items()
        >= {
            past.DELETED_INTEGRATION: ("old-shop", past.WORKSPACE),
        }.items()
    )
    assert _named(rows["alert_destinations"]) == {
        past.DELETED_DESTINATION: ("teams-ops", past.WORKSPACE),
        past.FORGOTTEN_DESTINATION: ("unknown", past.WORKSPACE),
    }
    assert _named(rows["alert_rules"]) == {
        past.DELETED_RULE: ("nightly", past.WORKSPACE),
        past.FORGOTTEN_RULE: ("unknown", past.WORKSPACE),
    }


def test_what_nobody_can_place_belongs_to_nobody(old: str) -> None:
    migrate.upgrade(old)

    _, workspace = _named(_rows(old)["integrations"])[past.FORGOTTEN_INTEGRATION]
    assert workspace not in {past.WORKSPACE, past.OTHER_WORKSPACE}


def test_a_removed_alert_is_again_what_its_message_says(old: str) -> None:
    migrate.upgrade(old)
    alerts = {row["id"]: row for row in _rows(old)["alerts"]}

    said = alerts[str(past.REMOVED_ALERT)]
    assert (said["title"], said["severity"], said["status"]) == (
        "Disk 97 % full",
        "CRITICAL",
        "CLOSED",
    )
    assert (said["external_id"], said["integration_id"]) == ("disk-7", str(past.INTEGRATION))
    assert said["labels"] == '{"host": "db7"}'
    silent = alerts[str(past.SILENT_ALERT)]
    assert (silent["title"], silent["status"]) == ("Removed alert", "CLOSED")


def _named(rows: list[dict[str, Any]]) -> dict[Any, tuple[str, Any]]:
    """Name and workspace of those that are marked as deleted."""
    return {
        past.UUID(row["id"]): (row["name"], past.UUID(row["workspace_id"]))
        for row in rows
        if row["deleted_at"] is not None
    }


def _same(row: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Of the rows, the one with the same primary key (an id, or the first two columns)."""
    keys = ["id"] if "id" in row else list(row)[:2]
    found = [other for other in others if all(other[key] == row[key] for key in keys)]
    return found[0] if found else None


def _rows(url: str) -> Rows:
    """Every table's rows, each value as its text; the version of the configuration may rise."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = 'public'::regnamespace"
            " AND relname NOT IN ('alembic_version', 'configuration')"
        ).fetchall()
        found = {}
        for (name,) in (row.values() for row in tables):
            query = sql.SQL("SELECT * FROM {} ORDER BY 1, 2").format(sql.Identifier(name))
            rows = connection.execute(query).fetchall()
            found[name] = [
                {key: None if value is None else _text(value) for key, value in row.items()}
                for row in rows
            ]
    return found


def _text(value: Any) -> str:
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)
