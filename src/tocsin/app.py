"""The composition root: everything one process is made of, and the ASGI application around it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from tocsin.ingest.batcher import Batcher
from tocsin.ingest.configuration import Configuration
from tocsin.ingest.endpoint import PREFIX, Endpoint, Receive, Scope, Send
from tocsin.settings import Settings
from tocsin.store.database import create_engine
from tocsin.store.vault import Vault

log = structlog.get_logger(__name__)


@dataclass
class Hub:
    """One process of Tocsin, from settings to running tasks."""

    settings: Settings
    url: str
    engine: AsyncEngine
    vault: Vault
    configuration: Configuration
    batcher: Batcher
    endpoint: Endpoint
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    def build(cls, settings: Settings, url: str, vault: Vault) -> Hub:
        engine = create_engine(url)
        configuration = Configuration(engine, vault)
        batcher = Batcher(
            url,
            configuration,
            queue_limit=settings.ingest_queue_limit,
            keep_rejected=settings.rejected_keep,
        )
        endpoint = Endpoint(configuration, batcher, settings)
        return cls(settings, url, engine, vault, configuration, batcher, endpoint)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load the configuration, then commit until the end; drains what has been taken."""
        await self.configuration.refresh()
        committing = asyncio.create_task(self.batcher.run(), name="batcher")
        following = asyncio.create_task(self.configuration.follow(self.url), name="configuration")
        try:
            yield
        finally:
            self.batcher.close()
            await committing
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await self.engine.dispose()

    async def is_ready(self) -> bool:
        if not self.batcher.is_available:
            return False
        try:
            async with asyncio.timeout(2), self.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (DBAPIError, OSError, TimeoutError):
            return False
        return True


def application(hub: Hub) -> Any:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await hub.endpoint(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(hub, receive, send)

    return app


async def _lifespan(hub: Hub, receive: Receive, send: Send) -> None:
    await receive()
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(hub.running())
        except Exception as error:
            log.exception("start.failed")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
