"""The few things a program asks of a database before it works on it, synchronously."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row, scalar_row

from tocsin.model import DEFAULT_SLUG, uuid7

_CONNECT_SECONDS = 10


@contextmanager
def _connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        url,
        autocommit=True,
        connect_timeout=_CONNECT_SECONDS,
        application_name="tocsin",
    ) as connection:
        connection.execute("SET timezone TO 'UTC'")
        yield connection


def _value(connection: psycopg.Connection[Any], query: LiteralString, given: Any = None) -> Any:
    """The one column of the first row; None without a row."""
    return connection.cursor(row_factory=scalar_row).execute(query, given).fetchone()


def newest_revision() -> str:
    """The schema this program works on. Read off the file names: importing Alembic to ask takes
    longer than most commands."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))


def unknown_schema(at: str) -> str:
    """What to tell whoever runs an older program on the schema `at`."""
    return (
        f"the database is at schema {at}, which this program does not know: "
        "it was written by a newer Tocsin; start that version, or restore a backup"
    )


def revision(url: str) -> str | None:
    """The schema revision the database is at; None if it has no schema of ours.

    Raises:
        psycopg.OperationalError: if it cannot be reached.
    """
    with _connection(url) as connection:
        if _value(connection, "SELECT to_regclass('alembic_version')") is None:
            return None
        version = _value(connection, "SELECT version_num FROM alembic_version")
    return None if version is None else str(version)


def is_current(url: str) -> bool:
    """Whether the database has exactly this program's schema revision.

    Raises:
        psycopg.OperationalError: if it cannot be reached.
    """
    return revision(url) == newest_revision()


def ensure_default_workspace(url: str, now: datetime) -> None:
    """Makes the workspace `default` with its tenant `default`, unless it is there."""
    with _connection(url) as connection, connection.transaction():
        workspace_id = _value(
            connection,
            "INSERT INTO workspaces (id, slug, name, created_at, updated_at)"
            " VALUES (%s, %s, 'Default', %s, %s) ON CONFLICT (slug) DO NOTHING RETURNING id",
            [uuid7(), DEFAULT_SLUG, now, now],
        )
        if workspace_id is not None:
            connection.execute(
                "INSERT INTO tenants (id, workspace_id, slug, name, created_at, updated_at)"
                " VALUES (%s, %s, %s, 'Default', %s, %s)",
                [uuid7(), workspace_id, DEFAULT_SLUG, now, now],
            )


def keeps_secrets(url: str) -> bool:
    """Whether anything in it is encrypted, and so lost without its key."""
    with _connection(url) as connection:
        return bool(
            _value(
                connection,
                "SELECT EXISTS (SELECT FROM integrations WHERE deleted_at IS NULL)"
                " OR EXISTS (SELECT FROM alert_destinations WHERE secret_config IS NOT NULL)",
            )
        )


@dataclass(frozen=True, slots=True)
class Sealed:
    """One encrypted value, and what it belongs to."""

    owner: str
    """Such as `integration shop`."""
    workspace: str
    value: bytes


def sealed_values(url: str) -> list[Sealed]:
    """Everything that is encrypted in the database."""
    with _connection(url) as connection:
        return (
            connection.cursor(row_factory=class_row(Sealed))
            .execute(
                "SELECT owner, workspaces.slug AS workspace, value FROM ("
                " SELECT 'integration ' || name AS owner, workspace_id, webhook_secret AS value"
                "   FROM integrations WHERE deleted_at IS NULL"
                " UNION ALL SELECT 'integration ' || name || ' (its previous secret)',"
                "   workspace_id, previous_webhook_secret FROM integrations"
                " UNION ALL SELECT 'destination ' || name, workspace_id, secret_config"
                "   FROM alert_destinations"
                " UNION ALL SELECT 'the key for ' || name,"
                "   (SELECT id FROM workspaces ORDER BY created_at, id LIMIT 1), sealed"
                "   FROM installation_secrets"
                ") AS sealed JOIN workspaces ON workspaces.id = workspace_id"
                " WHERE value IS NOT NULL ORDER BY workspace, owner"
            )
            .fetchall()
        )


def find_workspace_id(url: str, slug: str) -> UUID | None:
    with _connection(url) as connection:
        found: UUID | None = _value(connection, "SELECT id FROM workspaces WHERE slug = %s", [slug])
    return found


def list_workspaces(url: str) -> list[dict[str, Any]]:
    """Every workspace with how many integrations and live alerts it has, by slug."""
    with _connection(url) as connection:
        return (
            connection.cursor(row_factory=dict_row)
            .execute(
                "SELECT id, slug, name, created_at,"
                " (SELECT count(*) FROM integrations WHERE workspace_id = workspaces.id"
                "   AND deleted_at IS NULL)"
                "   AS integrations,"
                " (SELECT count(*) FROM alerts WHERE workspace_id = workspaces.id"
                "   AND status IN ('OPEN', 'ACKNOWLEDGED')) AS live_alerts"
                " FROM workspaces ORDER BY slug"
            )
            .fetchall()
        )


def finds_words(url: str) -> bool:
    """Whether there is an index by which words of alerts are found."""
    with _connection(url) as connection:
        query = "SELECT to_regclass('ix_alert_search_words_over') IS NOT NULL"
        return bool(_value(connection, query))


def server_facts(url: str) -> dict[str, Any]:
    """Version and clock of the server: `version` (as `server_version_num`), `name`, `now`."""
    with _connection(url) as connection:
        found = (
            connection.cursor(row_factory=dict_row)
            .execute("SELECT current_setting('server_version') AS name, clock_timestamp() AS now")
            .fetchone()
        )
        assert found is not None
        return {"version": connection.info.server_version, **found}
