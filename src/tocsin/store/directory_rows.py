"""What decides about alerts and messages, of every workspace, as rows of one moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog
from psycopg.rows import scalar_row
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tocsin.store.database import Engine, RawConnection, connect
from tocsin.store.described import described
from tocsin.store.on_call_rows import OnCallRows, load_on_call_rows
from tocsin.store.queries.maintenance_windows import is_over
from tocsin.store.reconnecting import Reconnecting
from tocsin.store.tables import (
    AlertDestination,
    AlertRule,
    ConfigurationVersion,
    Heartbeat,
    Integration,
    IntegrationToken,
    StoredInhibitionRule,
    StoredSilence,
    StoredWindow,
    Tenant,
    Workspace,
)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class RoutingRows:
    """Of one workspace. Silences and windows that are over for good and what was deleted are left
    out."""

    workspace_id: UUID
    fallback_destination_id: UUID | None
    rules: list[Any] = field(default_factory=list)
    silences: list[Any] = field(default_factory=list)
    windows: list[Any] = field(default_factory=list)
    inhibition_rules: list[Any] = field(default_factory=list)
    destinations: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class DirectoryRows:
    """Rows have the columns of their tables as attributes. Tenants and integrations that were deleted
    are among them: their alerts may be live."""

    version: int
    workspaces: list[Any]
    tenants: list[Any]
    integrations: list[Any]
    tokens: list[Any]
    """Those of integrations: their id, whose they are, and their hash."""
    bound_heartbeats: list[Any]
    on_call: Mapping[UUID, OnCallRows]
    """By workspace."""
    routing: Mapping[UUID, RoutingRows]
    """By workspace."""


async def load_directory_rows(engine: Engine) -> DirectoryRows:
    """All of it, as it was at one moment."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        version = (await connection.execute(select(ConfigurationVersion.version))).scalar_one()
        workspaces = list(
            await connection.execute(
                select(
                    Workspace.id,
                    Workspace.slug,
                    Workspace.name,
                    Workspace.fallback_destination_id,
                )
            )
        )
        tenants = list(
            await connection.execute(
                select(Tenant.id, Tenant.workspace_id, Tenant.slug, Tenant.name, Tenant.deleted_at)
            )
        )
        integrations = list(await connection.execute(select(*Integration.__table__.columns)))
        tokens = list(
            await connection.execute(
                select(
                    IntegrationToken.id,
                    IntegrationToken.integration_id,
                    IntegrationToken.token_hash,
                ).order_by(IntegrationToken.id)
            )
        )
        bound_heartbeats = list(
            await connection.execute(
                select(
                    Heartbeat.id,
                    Heartbeat.bound_integration_id,
                    Heartbeat.bound_matchers,
                    Heartbeat.bound_labels,
                )
                .where(Heartbeat.bound_integration_id.is_not(None), Heartbeat.deleted_at.is_(None))
                .order_by(Heartbeat.id)
            )
        )
        on_call = await load_on_call_rows(connection)
        routing = await _routing_rows(connection, workspaces)
    return DirectoryRows(
        version, workspaces, tenants, integrations, tokens, bound_heartbeats, on_call, routing
    )


async def _routing_rows(
    connection: AsyncConnection, workspaces: list[Any]
) -> Mapping[UUID, RoutingRows]:
    found = {row.id: RoutingRows(row.id, row.fallback_destination_id) for row in workspaces}
    rules = select(*AlertRule.__table__.columns).where(AlertRule.deleted_at.is_(None))
    for row in await connection.execute(rules):
        found[row.workspace_id].rules.append(row)
    silences = select(*StoredSilence.__table__.columns).where(StoredSilence.ends_at > func.now())
    for row in await connection.execute(silences):
        found[row.workspace_id].silences.append(row)
    windows = select(*StoredWindow.__table__.columns).where(
        StoredWindow.is_enabled, ~is_over(func.now())
    )
    for row in await connection.execute(windows):
        found[row.workspace_id].windows.append(row)
    inhibition = select(*StoredInhibitionRule.__table__.columns).where(
        StoredInhibitionRule.is_enabled
    )
    for row in await connection.execute(inhibition):
        found[row.workspace_id].inhibition_rules.append(row)
    config = AlertDestination.config
    destinations = select(
        AlertDestination.id,
        AlertDestination.workspace_id,
        AlertDestination.name,
        AlertDestination.type,
        AlertDestination.is_enabled,
        func.coalesce(config["one_incident_per_group"].as_boolean(), False).label(
            "has_group_incidents"
        ),
        and_(AlertDestination.type == "slack", config["channel"].as_string().is_not(None)).label(
            "edits_messages"
        ),
    ).where(AlertDestination.deleted_at.is_(None))
    for row in await connection.execute(destinations):
        found[row.workspace_id].destinations.append(row)
    return found


async def configuration_version(engine: Engine) -> int:
    """The version now. Every change of configuration raises it in its own transaction."""
    async with engine.connect() as connection:
        return await connection.scalar(select(ConfigurationVersion.version)) or 0


async def follow_configuration(url: str, changed: Callable[[int], Awaitable[None]]) -> None:
    """Call `changed` with the version now, then with each as it is announced, forever. A loss of the
    connection, or what `changed` raises, ends nothing."""

    async def listen(connection: RawConnection) -> None:
        await connection.execute("LISTEN tocsin_configuration")
        async with connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute("SELECT version FROM configuration")
            version = await cursor.fetchone()
        if version is not None:
            await changed(version)
        async for notice in connection.notifies():
            await changed(int(notice.payload))

    await Reconnecting(lambda: connect(url)).forever(
        listen,
        failed=lambda error: log.warning(
            "cannot listen for changes of the configuration", **described(error)
        ),
    )
