"""Whether a loop that should go on for ever still does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


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
        try:
            async with asyncio.timeout(within_seconds):
                await self._next.wait()
        except TimeoutError:
            return False
        return True
