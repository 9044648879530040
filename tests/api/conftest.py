from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.api.server import Client, serving
from tests.support.postgres import Database
from tocsin import app
from tocsin.access.api_keys import create_api_key, new_key
from tocsin.access.contact_codes import ContactCodes
from tocsin.access.random_tokens import token_hash
from tocsin.access.vault import Vault
from tocsin.hub import Hub as Process
from tocsin.hub import ProcessRole
from tocsin.model import SYSTEM, Role, Secret, uuid7
from tocsin.settings import Settings
from tocsin.store.database import create_engine
from tocsin.store.queries.workspaces import create_workspace, find_workspace

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@dataclass(frozen=True)
class Hub:
    """A running API over a fresh database, and keys of every role in two workspaces."""

    database: Database
    vault: Vault
    codes: ContactCodes
    admin: Client
    responder: Client
    viewer: Client
    stranger: Client
    """An admin of another workspace."""
    workspace_id: UUID
    other_workspace_id: UUID

    @property
    def nobody(self) -> Client:
        return replace(self.admin, key=None)

    def person(self, user_id: str, role: str = "viewer") -> Client:
        """Somebody with a key of their own, of the workspace of their membership."""
        key = new_key().reveal_text()
        self.sql(
            "INSERT INTO api_keys (id, workspace_id, user_id, name, prefix, key_hash, role)"
            " SELECT %s, workspace_id, user_id, 'own', %s, %s, %s FROM memberships"
            " WHERE user_id = %s",
            uuid7(),
            key[:12],
            token_hash(Secret(key)),
            role,
            user_id,
        )
        return replace(self.admin, key=key)

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self.database.connect() as connection:
            cursor = connection.execute(statement, parameters)
            return [] if cursor.description is None else cursor.fetchall()

    def connect(self) -> psycopg.Connection:
        return self.database.connect()


async def _populate(url: str) -> tuple[list[UUID], list[str]]:
    engine = create_engine(url, pool_size=1)
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            workspace = await find_workspace(session, "default")
            if workspace is None:
                workspace = await create_workspace(session, slug="default", name="Default", now=NOW)
            other = await create_workspace(session, slug="other", name="Other", now=NOW)
            keys = []
            for role, owner in (
                (Role.ADMIN, workspace),
                (Role.RESPONDER, workspace),
                (Role.VIEWER, workspace),
                (Role.ADMIN, other),
            ):
                _, key = await create_api_key(
                    session,
                    workspace_id=owner.id,
                    name=f"test {role.value}",
                    role=role,
                    actor=SYSTEM,
                    now=NOW,
                )
                keys.append(key.reveal_text())
            return [workspace.id, other.id], keys
    finally:
        await engine.dispose()


@contextmanager
def running(
    database: Database, settings: Settings, mail_socket: socket.socket | None = None
) -> Iterator[Hub]:
    """A hub with these settings; `mail_socket`: where it takes mail."""
    workspaces, keys = asyncio.run(_populate(database.url))
    process = Process.build(settings, database.url, (Vault.new_key(),), ProcessRole.WEB)
    with serving(app.application(process, mail_socket), lifespan="on") as base_url:
        clients = [Client(f"{base_url}/api/v1", key) for key in keys]
        yield Hub(database, process.vault, ContactCodes(process.keys), *clients, *workspaces)


@pytest.fixture
def hub(database: Database, tmp_path: Path) -> Iterator[Hub]:
    with running(
        database, Settings(data_dir=tmp_path, body_timeout_seconds=3, spool_bytes=0)
    ) as opened:
        yield opened
