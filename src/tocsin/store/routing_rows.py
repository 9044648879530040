"""Rules, silences and destinations of every workspace, as rows; routing makes its table of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tocsin.store.tables import AlertDestination, AlertRule, Silence, Workspace


@dataclass(slots=True)
class RoutingRows:
    workspace_id: UUID
    fallback_destination_id: UUID | None
    rules: list[Any] = field(default_factory=list)
    silences: list[Any] = field(default_factory=list)
    destinations: list[Any] = field(default_factory=list)


async def load_routing_rows(connection: AsyncConnection) -> Mapping[UUID, RoutingRows]:
    """By workspace. Silences that have ended are left out."""
    found = {
        row.id: RoutingRows(row.id, row.fallback_destination_id)
        for row in await connection.execute(select(Workspace.id, Workspace.fallback_destination_id))
    }
    for row in await connection.execute(select(*AlertRule.__table__.columns)):
        found[row.workspace_id].rules.append(row)
    silences = select(*Silence.__table__.columns).where(Silence.ends_at > func.now())
    for row in await connection.execute(silences):
        found[row.workspace_id].silences.append(row)
    destinations = select(
        AlertDestination.id,
        AlertDestination.workspace_id,
        AlertDestination.name,
        AlertDestination.type,
        AlertDestination.is_enabled,
    )
    for row in await connection.execute(destinations):
        found[row.workspace_id].destinations.append(row)
    return found
