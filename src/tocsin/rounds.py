"""Loops that run forever: whether they still make progress, and until when they must."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any


class Rounds:
    """A loop says `done` once in each round; somebody may wait for the next."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def done(self) -> None:
        self._next.set()

    async def another(
        self, within_seconds: float, wake: Callable[[], object] | None = None
    ) -> bool:
        """Whether the loop completes a round from now on. `wake` ends its rest."""
        self._next.clear()
        if wake is not None:
            wake()
        return await is_set_within(self._next, within_seconds)


async def is_set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is, or comes to be, set within so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


@contextlib.asynccontextmanager
async def background(work: Coroutine[Any, Any, Any], name: str) -> AsyncIterator[None]:
    """It goes on until the end of the context, and is canceled then."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
