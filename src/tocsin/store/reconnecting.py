"""A connection that is opened when it is first needed, and again after it was lost.

Work that never ends runs in `forever`, which opens the connection, and another after a failure:

    await Reconnecting(lambda: connect(url)).forever(
        listen, failed=lambda error: log.warning("cannot listen", **described(error))
    )

`listen` takes the connection and runs until it fails; what one connection may have missed, the next
has to look for. Work in steps that must not be lost takes the connection of each step from `get`,
and calls `back_off` after a step that failed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

PAUSE_SECONDS = 1.0


class Closeable(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=Closeable)


class Reconnecting(Generic[C]):
    """Not to be shared between tasks. `pause_seconds` pass between a failure and the next try."""

    def __init__(
        self, open_one: Callable[[], Awaitable[C]], *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._open = open_one
        self._pause_seconds = pause_seconds
        self._connection: C | None = None

    async def get(self) -> C:
        """The connection. Raises what opening it raises."""
        if self._connection is None:
            self._connection = await self._open()
        return self._connection

    async def back_off(self) -> None:
        """After a failure: close the connection and wait, so that a database that is down is not
        asked in a tight loop."""
        await self.close()
        await asyncio.sleep(self._pause_seconds)

    async def close(self) -> None:
        """Close it; the next `get` opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # It may be broken already.
            with contextlib.suppress(Exception):
                await connection.close()

    async def forever(
        self, work: Callable[[C], Awaitable[None]], *, failed: Callable[[Exception], None]
    ) -> None:
        """Do `work` on a connection, and again on a new one whenever it fails, whatever the reason:
        to stop would be worse. Each failure goes to `failed`, which should log it. Ends only when
        canceled."""
        try:
            while True:
                try:
                    await work(await self.get())
                except Exception as error:
                    failed(error)
                    await self.back_off()
        finally:
            await self.close()
