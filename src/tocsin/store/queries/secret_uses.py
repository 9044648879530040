"""When the secrets of an integration were last used, while it has two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text

from tocsin.store.database import DatabaseSession, Engine
from tocsin.store.tables import IntegrationSecretUse

Used = tuple[UUID, bool]
"""An integration, and whether it was the previous one of its secrets."""

# What was deleted meanwhile is left out: its row would have nothing to belong to.
_NOTE = text("""
    INSERT INTO integration_secret_uses (integration_id, current_used_at, previous_used_at)
    SELECT used.id, max(used.at) FILTER (WHERE NOT used.is_previous),
           max(used.at) FILTER (WHERE used.is_previous)
    FROM unnest(cast(:ids AS uuid[]), cast(:previous AS boolean[]), cast(:times AS timestamptz[]))
        AS used(id, is_previous, at)
    JOIN integrations ON integrations.id = used.id
    GROUP BY used.id
    ORDER BY used.id
    ON CONFLICT (integration_id) DO UPDATE
    SET current_used_at = greatest(integration_secret_uses.current_used_at, excluded.current_used_at),
        previous_used_at = greatest(integration_secret_uses.previous_used_at, excluded.previous_used_at)
""")


async def note_secret_uses(engine: Engine, used: Mapping[Used, datetime]) -> None:
    values = {
        "ids": [id for id, _ in used],
        "previous": [is_previous for _, is_previous in used],
        "times": list(used.values()),
    }
    async with engine.begin() as connection:
        await connection.execute(_NOTE, values)


async def secret_uses_of(
    session: DatabaseSession, integration_id: UUID
) -> IntegrationSecretUse | None:
    return await session.get(IntegrationSecretUse, integration_id)


async def forget_secret_uses(session: DatabaseSession, integration_id: UUID) -> None:
    """The secrets are others from now on."""
    await session.execute(
        delete(IntegrationSecretUse).where(IntegrationSecretUse.integration_id == integration_id)
    )
