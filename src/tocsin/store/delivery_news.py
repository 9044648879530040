"""How dispatchers hear that there is something to send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from psycopg import AsyncConnection

from tocsin.store.database import connect

CHANNEL = "tocsin_deliveries"
"""NOTIFY on this, in the transaction that plans deliveries, wakes every dispatcher."""


class NoticeOfWork:
    """Yields when it begins, and whenever somebody says that deliveries are pending. The first is
    for what may have been missed before."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> NoticeOfWork:
        return cls(await connect(url))

    async def close(self) -> None:
        await self._connection.close()

    async def __aiter__(self) -> AsyncIterator[None]:
        await self._connection.execute(f"LISTEN {CHANNEL}")
        yield
        async for _ in self._connection.notifies():
            yield
