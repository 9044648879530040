"""Reading a body: no larger than allowed, no longer than allowed, and no more of them at once than
there is memory for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tocsin.ingest import metrics
from tocsin.ingest.received_webhook import Declined
from tocsin.ingest.refusals import TOO_MANY_BODIES, TOO_SLOW, too_large

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Disconnected(Exception):
    """The sender went away before its body was complete."""


class Bodies:
    """The bodies that this process is reading, or keeps until their commit.

    One timer serves all that are being read. `asyncio.timeout` makes and removes a timer for each;
    nearly all bodies arrive whole before anything waits for them, and those timers cost more than
    the reading. All have the same limit, so the first to begin is the first to be late.
    """

    __slots__ = ("_due", "_late", "_timer", "held", "held_limit", "limit", "seconds", "too_large")

    def __init__(self, *, limit: int, held_limit: int, seconds: float) -> None:
        """`limit`: bytes of one body; `held_limit`: of all together; `seconds`: for one."""
        self.limit = limit
        self.held_limit = held_limit
        self.seconds = seconds
        self.held = 0
        self.too_large = too_large(limit)
        self._due: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, body: Body, receive: Receive) -> bytes | Declined:
        """One body, whole, in the current task, which has no other work here.

        Raises:
            Disconnected: the sender went away.
        """
        task = asyncio.current_task()
        assert task is not None
        loop = task.get_loop()
        self._due[task] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._expire, loop)
        try:
            return await body.read(receive)
        except asyncio.CancelledError:
            # Cancelled for both reasons at once, the other one goes first (see `Task.uncancel`).
            if task in self._late and task.uncancel() == 0:
                return TOO_SLOW
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


class Body:
    """One body, counted among those held from its first byte until `release`."""

    __slots__ = ("_bodies", "_size")

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._size = 0

    async def read(self, receive: Receive) -> bytes | Declined:
        bodies = self._bodies
        chunks: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            self._size += len(chunk)
            bodies.held += len(chunk)
            if self._size > bodies.limit:
                return bodies.too_large
            if bodies.held > bodies.held_limit:
                metrics.REFUSED.labels("memory").inc()
                return TOO_MANY_BODIES
            if not message.get("more_body"):
                return b"".join((*chunks, chunk)) if chunks else chunk
            chunks.append(chunk)

    def grows(self, size: int) -> bool:
        """Count what was made of it, too; False if there is no memory for that."""
        self._size += size
        self._bodies.held += size
        if self._bodies.held <= self._bodies.held_limit:
            return True
        metrics.REFUSED.labels("memory").inc()
        return False

    def release(self) -> None:
        self._bodies.held -= self._size
        self._size = 0
