"""What ingest goes by: integrations and the rules of their workspaces, kept in memory.

A snapshot has a version. Every change of configuration raises it inside its own transaction, and
every commit of webhooks reads it under a shared lock: a node whose snapshot is old notices before it
writes, and decides again. The notification only saves that surprise most of the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from tocsin.access.vault import Vault, VaultError
from tocsin.ingest.proof.verify import LiveSecret, Profile
from tocsin.ingest.sources.base import Source
from tocsin.ingest.sources.kit.decode import InvalidPayload
from tocsin.ingest.sources.kit.mapping import Mapping as FieldMapping
from tocsin.ingest.sources.kit.mapping import compile_mapping
from tocsin.ingest.sources.registry import SOURCES
from tocsin.model import Actor, ActorKind, Secret, Severity
from tocsin.routing.rules import DestinationRef, RoutingTable, Rule, Silence
from tocsin.store.database import connect
from tocsin.store.routing_rows import RoutingRows, load_routing_rows
from tocsin.store.tables import ConfigurationVersion as ConfigurationRow
from tocsin.store.tables import Integration, Tenant, Workspace

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IntegrationEntry:
    """One integration, ready to verify, normalise and route by."""

    id: UUID
    id_bytes: bytes
    workspace_id: UUID
    tenant_id: UUID
    name: str
    source: Source
    profile: Profile | None
    """None if it cannot be used (its secret cannot be read, say); `problem` says why."""
    is_active: bool
    window: timedelta
    default_severity: Severity
    timezone: ZoneInfo
    mapping: FieldMapping | None
    tenants: Mapping[str, UUID]
    routing: RoutingTable
    actor_json: bytes
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    id: UUID
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    version: int
    integrations: Mapping[UUID, IntegrationEntry]
    routing: Mapping[UUID, RoutingTable]
    """By workspace."""
    workspaces: Mapping[UUID, Names]
    tenants: Mapping[UUID, Names]


EMPTY = Snapshot(0, {}, {}, {}, {})


@dataclass(slots=True)
class Configuration:
    """The current snapshot, and how it is kept current.

    `engine` must not be one that requests use: a batch refreshes while it holds back whoever changes
    the configuration, and those may hold every connection that there is for requests.
    """

    engine: AsyncEngine
    vault: Vault
    snapshot: Snapshot = EMPTY
    _looks: int = 0
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _secrets: dict[bytes, Secret] = field(default_factory=dict)
    _loading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self, at_least: int = 0) -> Snapshot:
        """Load the configuration unless the snapshot is of version `at_least` already."""
        async with self._loading:
            if self.snapshot.version == 0 or self.snapshot.version < at_least:
                async with self.engine.connect() as connection:
                    await connection.execution_options(isolation_level="REPEATABLE READ")
                    self.snapshot = await self._load(connection)
            return self.snapshot

    async def find(self, integration_id: UUID) -> IntegrationEntry | None:
        """An integration by id; one that is not known here is looked for in the database, for it
        may have been made on another node a moment ago. Whoever asks while somebody looks shares
        the next look, so that a flood of guesses costs the database next to nothing."""
        entry = self.snapshot.integrations.get(integration_id)
        if entry is None:
            begun = self._looks
            async with self._looking:
                if self._looks == begun:
                    self._looks += 1
                    await self.look()
            entry = self.snapshot.integrations.get(integration_id)
        return entry

    async def look(self) -> Snapshot:
        """The configuration as it is in the database at this moment."""
        async with self.engine.connect() as connection:
            version = await connection.scalar(select(ConfigurationRow.version))
        return await self.refresh(version or 0)

    async def follow(self, url: str) -> None:
        """Keep current by notification, for ever; reconnects after a loss."""
        while True:
            try:
                connection = await connect(url)
            except psycopg.OperationalError as error:
                log.warning("configuration.listen_failed", error=type(error).__name__)
                await asyncio.sleep(1)
                continue
            async with connection:
                try:
                    await connection.execute("LISTEN tocsin_configuration")
                    async for version in _versions(connection):
                        await self.refresh(version)
                except Exception as error:
                    # Whatever it was: not to listen any more would be worse.
                    log.warning("configuration.listening_lost", error=type(error).__name__)
            await asyncio.sleep(1)

    async def _load(self, connection: AsyncConnection) -> Snapshot:
        version = (await connection.execute(select(ConfigurationRow.version))).scalar_one()
        workspaces = {
            row.id: Names(row.id, row.slug, row.name)
            for row in await connection.execute(
                select(Workspace.id, Workspace.slug, Workspace.name)
            )
        }
        by_workspace: dict[UUID, dict[str, UUID]] = {}
        tenants = {}
        for row in await connection.execute(
            select(Tenant.id, Tenant.workspace_id, Tenant.slug, Tenant.name)
        ):
            tenants[row.id] = Names(row.id, row.slug, row.name)
            by_workspace.setdefault(row.workspace_id, {})[row.slug] = row.id
        routing = {
            workspace_id: _routing_table(rows)
            for workspace_id, rows in (await load_routing_rows(connection)).items()
        }
        integrations = {}
        for row in await connection.execute(select(*Integration.__table__.columns)):
            integrations[row.id] = self._entry(
                row, by_workspace.get(row.workspace_id, {}), routing[row.workspace_id]
            )
        return Snapshot(version, integrations, routing, workspaces, tenants)

    def _entry(
        self, row: Any, tenants: Mapping[str, UUID], routing: RoutingTable
    ) -> IntegrationEntry:
        source, problem = SOURCES.get(row.type), None
        profile, mapping, timezone = None, None, ZoneInfo("UTC")
        try:
            if source is None:
                raise ValueError(f"this version knows no source {row.type!r}")
            mapping = compile_mapping(row.mapping) if row.mapping else None
            timezone = ZoneInfo(row.timezone)
            profile = self._profile(row, source)
        except (VaultError, ValueError, KeyError, InvalidPayload) as error:
            # One integration that cannot be used must not keep the others from being loaded.
            problem = str(error)
            log.error("integration.unusable", integration_id=str(row.id), problem=problem)
        actor = Actor(ActorKind.SOURCE, row.name, row.id)
        return IntegrationEntry(
            id=row.id,
            id_bytes=row.id.bytes,
            workspace_id=row.workspace_id,
            tenant_id=row.tenant_id,
            name=row.name,
            source=source or SOURCES["generic"],
            profile=profile,
            is_active=row.is_active,
            window=timedelta(minutes=row.deduplication_window_minutes),
            default_severity=row.default_severity,
            timezone=timezone,
            mapping=mapping,
            tenants=tenants,
            routing=routing,
            actor_json=msgspec.json.encode(actor.document()),
            problem=problem,
        )

    def _profile(self, row: Any, source: Source) -> Profile:
        secrets = [LiveSecret(self._secret(row.webhook_secret))]
        if row.previous_webhook_secret is not None:
            secrets.append(
                LiveSecret(
                    self._secret(row.previous_webhook_secret), row.previous_secret_expires_at
                )
            )
        return Profile(
            auth_scheme=row.auth_scheme,
            signature_header=row.signature_header,
            signature_algorithm=row.signature_algorithm,
            signature_format=row.signature_format,
            signature_prefix=row.signature_prefix,
            signed_content=row.signed_content,
            timestamp_header=row.timestamp_header,
            timestamp_tolerance_seconds=row.timestamp_tolerance_seconds,
            secrets=tuple(secrets),
            id_header=source.preset.id_header,
            secret_encoding=source.preset.secret_encoding,
        )

    def _secret(self, sealed: bytes) -> Secret:
        # Decrypting costs more than all the rest of a load, and secrets hardly ever change.
        if (known := self._secrets.get(sealed)) is None:
            known = self._secrets[sealed] = self.vault.open(sealed)
        return known


def _routing_table(rows: RoutingRows) -> RoutingTable:
    destinations = (
        DestinationRef(row.id, row.name, row.type, row.is_enabled) for row in rows.destinations
    )
    return RoutingTable(
        rows.workspace_id,
        rules=tuple(_readable(rows.rules, Rule.from_row)),
        silences=tuple(_readable(rows.silences, Silence.from_row)),
        destinations={destination.id: destination for destination in destinations},
        fallback_destination_id=rows.fallback_destination_id,
    )


def _readable(rows: Iterable[Any], make: Callable[[Any], T]) -> Iterator[T]:
    """Those that can be read: one that a later version wrote must not stop all ingest."""
    for row in rows:
        try:
            yield make(row._mapping)
        except Exception as error:
            log.error("routing.unusable", id=str(row.id), error=type(error).__name__)


async def _versions(connection: psycopg.AsyncConnection[Any]) -> AsyncIterator[int]:
    """The version now, then each as it is announced; a burst counts as its last."""
    cursor = await connection.execute("SELECT version FROM configuration")
    row = await cursor.fetchone()
    if row is not None:
        yield row[0]
    async for notice in connection.notifies():
        yield int(notice.payload)
