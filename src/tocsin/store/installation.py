"""The few things a program asks of a database before it works on it, synchronously."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row, dict_row

from tocsin.model import uuid7
from tocsin.store.queries.workspaces import DEFAULT

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


def newest_revision() -> str:
    """The schema this program works on. Read off the file names: importing Alembic to ask takes
    longer than most commands."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in versions.glob("[0-9]*.py"))


def revision(url: str) -> str | None:
    """The schema revision the database is at; None if it has no schema of ours.

    Raises:
        psycopg.OperationalError: if it cannot be reached.
    """
    with _connection(url) as connection:
        found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        if found is None or found[0] is None:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def is_current(url: str) -> bool:
    """Whether the database has exactly this program's schema revision.

    Raises:
        psycopg.OperationalError: if it cannot be reached.
    """
    return revision(url) == newest_revision()


def ensure_default_workspace(url: str, now: datetime) -> None:
    """Makes the workspace `default` with its tenant `default`, unless it is there."""
    with _connection(url) as connection, connection.transaction():
        made = connection.execute(
            "INSERT INTO workspaces (id, slug, name, created_at, updated_at)"
            " VALUES (%s, %s, 'Default', %s, %s) ON CONFLICT (slug) DO NOTHING RETURNING id",
            [uuid7(), DEFAULT, now, now],
        ).fetchone()
        if made is not None:
            connection.execute(
                "INSERT INTO tenants (id, workspace_id, slug, name, created_at, updated_at)"
                " VALUES (%s, %s, %s, 'Default', %s, %s)",
                [uuid7(), made[0], DEFAULT, now, now],
            )


def keeps_secrets(url: str) -> bool:
    """Whether anything in it is encrypted, and so lost without its key."""
    with _connection(url) as connection:
        found = connection.execute(
            "SELECT EXISTS (SELECT FROM integrations WHERE deleted_at IS NULL)"
            " OR EXISTS (SELECT FROM alert_destinations WHERE secret_config IS NOT NULL)"
        ).fetchone()
    return bool(found and found[0])


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
                ") AS sealed JOIN workspaces ON workspaces.id = workspace_id"
                " WHERE value IS NOT NULL ORDER BY workspace, owner"
            )
            .fetchall()
        )


def find_workspace_id(url: str, slug: str) -> UUID | None:
    with _connection(url) as connection:
        found = connection.execute("SELECT id FROM workspaces WHERE slug = %s", [slug]).fetchone()
    return None if found is None else found[0]


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


def server_facts(url: str) -> dict[str, Any]:
    """Version and clock of the server: `version` (as `server_version_num`), `name`, `now`."""
    with _connection(url) as connection:
        found = connection.execute(
            "SELECT current_setting('server_version'), clock_timestamp()"
        ).fetchone()
        assert found is not None
        return {
            "version": connection.info.server_version,
            "name": found[0],
            "now": found[1],
        }
