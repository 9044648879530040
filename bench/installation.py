"""A Tocsin to measure: a PostgreSQL with the production settings, fresh databases, `tocsin serve`."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from bench.processes import Server, free_port, server
from tocsin.access.vault import Vault
from tocsin.model import Secret, uuid7
from tocsin.store import migrate
from tocsin.store.embedded import EmbeddedPostgres

_numbers = count(1)
PROGRAM = Path(sys.executable).parent / "tocsin"
SECRET = "bench-secret"


@dataclass(frozen=True)
class Postgres:
    url: str
    folder: Path

    def database(self, name: str) -> str:
        """A new empty database; its URL. Earlier ones of the name go, unless somebody (autovacuum,
        say) is still at them."""
        fresh = f"{name}_{next(_numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            old = connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{name}\\_%"]
            )
            for (found,) in old.fetchall():
                with contextlib.suppress(psycopg.Error):
                    connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(found)))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(fresh)))
        return make_url(self.url).set(database=fresh).render_as_string(hide_password=False)


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder,
        EmbeddedPostgres(Path(folder) / "data") as url,
    ):
        # Not by its own database: that one is to be dropped and made again.
        yield Postgres(_named(url, "postgres"), Path(folder))


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


@dataclass(frozen=True)
class Installation:
    """A migrated database with one generic integration."""

    url: str
    key: Secret
    workspace_id: UUID
    tenant_id: UUID
    integration_id: UUID

    def webhook_url(self, hub: Server) -> str:
        return f"{hub.url}/webhooks/{self.integration_id}"


def install(url: str) -> Installation:
    migrate.upgrade(url)
    key = Vault.new_key()
    workspace_id, tenant_id, integration_id = uuid7(), uuid7(), uuid7()
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO workspaces (id, slug, name) VALUES (%s, 'default', 'Default')",
            (workspace_id,),
        )
        connection.execute(
            "INSERT INTO tenants (id, workspace_id, slug, name)"
            " VALUES (%s, %s, 'default', 'Default')",
            (tenant_id, workspace_id),
        )
        connection.execute(
            "INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)"
            " VALUES (%s, %s, %s, 'bench', 'generic', %s)",
            (integration_id, workspace_id, tenant_id, Vault([key]).seal(Secret(SECRET))),
        )
    return Installation(url, key, workspace_id, tenant_id, integration_id)


@contextlib.contextmanager
def serving(
    installation: Installation,
    folder: Path,
    *,
    workers: int,
    role: str = "web",
    environment: dict[str, str] | None = None,
) -> Iterator[Server]:
    port = free_port()
    with server(
        [
            str(PROGRAM),
            "serve",
            f"--role={role}",
            f"--workers={workers}",
            "--host=127.0.0.1",
            f"--port={port}",
        ],
        port,
        log=folder / "tocsin.log",
        environment={
            "TOCSIN_DATABASE_URL": installation.url,
            "TOCSIN_SECRET_KEY": installation.key.reveal_text(),
            "TOCSIN_DATA_DIR": str(folder / "unused"),
            **(environment or {}),
        },
        health="/readyz",
    ) as started:
        yield started
