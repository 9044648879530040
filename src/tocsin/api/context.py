"""What the API is given to work with by the composition root; nothing here is global."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from tocsin.access.vault import Vault
from tocsin.alerts.actions import Actions
from tocsin.alerts.directory import Configuration
from tocsin.ingest.batcher import Batcher
from tocsin.settings import Settings

# The lock that every commit of webhooks holds shared and the triggers on configuration take
# exclusively. Taken first, it makes looks at other rows (is this tenant ours? is this destination
# still named by a rule?) hold until the commit, and two changes can never deadlock.
_CONFIGURATION_LOCK = text("SELECT pg_advisory_xact_lock(7238539205)")


@dataclass(frozen=True)
class ApiContext:
    engine: AsyncEngine
    vault: Vault
    settings: Settings
    configuration: Configuration
    batcher: Batcher
    actions: Actions

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for looking; nothing is committed."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """One transaction: commits at the end, rolls back if anything is raised."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @asynccontextmanager
    async def configuring(self) -> AsyncIterator[AsyncSession]:
        """One transaction that changes configuration, alone in doing so."""
        async with self.writing() as session:
            await self.lock_configuration(session)
            yield session

    @staticmethod
    async def lock_configuration(session: AsyncSession) -> None:
        """From now to the end of its transaction the session alone changes configuration."""
        await session.execute(_CONFIGURATION_LOCK)


async def _context(request: Request) -> ApiContext:
    context: ApiContext = request.app.state.context
    return context


Context = Annotated[ApiContext, Depends(_context)]
