"""The version of all configuration."""

from __future__ import annotations

from sqlalchemy import select

from tocsin.store.database import DatabaseSession
from tocsin.store.tables import ConfigurationVersion


async def configuration_version(session: DatabaseSession) -> int:
    return (await session.execute(select(ConfigurationVersion.version))).scalar_one()
