"""The connections that webhooks are committed over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tocsin.store.pipe import PLANNER, Pipe

PATIENCE_SECONDS = 8.0
"""For one transaction. Senders give up after 10 s and more; they are to be asked to come back."""


class Connection:
    """Opened when it is needed; after any error it is closed, and opened again."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pipe: Pipe | None = None

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Pipe]:
        """For no longer than senders wait."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._pipe is None or not self._pipe.is_usable:
                    self._pipe = await Pipe.open(self._url, options=PLANNER)
                yield self._pipe
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            await pipe.close()


class Connections:
    """A few, each lent to the caller that has waited longest."""

    def __init__(self, url: str, count: int) -> None:
        self._all = [Connection(url) for _ in range(count)]
        self._free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in self._all:
            self._free.put_nowait(connection)

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Pipe]:
        connection = await self._free.get()
        try:
            async with connection.opened() as pipe:
                yield pipe
        finally:
            self._free.put_nowait(connection)

    async def close(self) -> None:
        for connection in self._all:
            await connection.close()
