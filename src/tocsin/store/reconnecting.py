"""A connection that is made when it is first needed, and anew after it was lost.

Whoever works on one for ever lets `forever` open it, hand it over and mend it:

    await Reconnecting(lambda: connect(url)).forever(
        listen, failed=lambda error: log.warning("cannot listen", **described(error))
    )

`listen` takes the connection and runs until it fails; what one connection may have missed, the next
has to look for. Whoever works in steps that must not be lost takes the connection of each step from
`get`, and calls `mend` where a step failed.
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
    """Not to be shared between tasks. `pause_seconds` lie between a failure and what follows it."""

    def __init__(
        self, open_one: Callable[[], Awaitable[C]], *, pause_seconds: float = PAUSE_SECONDS
    ) -> None:
        self._open = open_one
        self._pause_seconds = pause_seconds
        self._connection: C | None = None

    async def get(self) -> C:
        """The connection; what opening it raises, this raises."""
        if self._connection is None:
            self._connection = await self._open()
        return self._connection

    async def mend(self) -> None:
        """After a failure: let go of the connection, and wait, so that a database that is away is
        not asked in a tight loop."""
        await self.close()
        await asyncio.sleep(self._pause_seconds)

    async def close(self) -> None:
        """Let go of it; the next `get` opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # It may be broken, which is why it is let go of.
            with contextlib.suppress(Exception):
                await connection.close()

    async def forever(
        self, work: Callable[[C], Awaitable[None]], *, failed: Callable[[Exception], None]
    ) -> None:
        """Do `work` on a connection, and again on a new one whenever it fails, whatever the reason:
        not to go on would be worse. Each failure is reported to `failed`, and it is for that to say
        so. Ends only by being canceled."""
        try:
            while True:
                try:
                    await work(await self.get())
                except Exception as error:
                    failed(error)
                    await self.mend()
        finally:
            await self.close()
