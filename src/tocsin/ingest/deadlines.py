"""One timer for all bodies that are being read.

`asyncio.timeout` makes a timer, and takes it away again, for each body; nearly all of them arrived
whole, before anybody could wait for them, and those timers cost more than the reading did.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Result = TypeVar("Result")


class Deadlines:
    """Work that may last `seconds` and no longer; the same for all, so the first to begin is the
    first to be late."""

    __slots__ = ("_due", "_late", "_timer", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._due: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Run `work` in the current task, which has no other work here.

        Raises:
            TimeoutError: it was not done in time, and was cancelled.
        """
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._due[task] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._expire, loop)
        try:
            return await work()
        except asyncio.CancelledError:
            # Cancelled for both reasons at once, the other one goes first (see `Task.uncancel`).
            if task in self._late and task.uncancel() == 0:
                raise TimeoutError from None
            raise
        finally:
            self._due.pop(task, None)
            self._late.discard(task)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        now = loop.time()
        for task, due in list(self._due.items()):
            if due > now:
                self._timer = loop.call_at(due, self._expire, loop)
                return
            del self._due[task]
            self._late.add(task)
            task.cancel()
