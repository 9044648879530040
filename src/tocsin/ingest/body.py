"""Reading a body: no larger than allowed, and no more of them at once than there is memory for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from tocsin.ingest import metrics
from tocsin.ingest.batcher import OVERLOADED
from tocsin.ingest.webhook import Declined

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

TOO_LARGE = Declined("payload-too-large", 413, "The body is too large.", "rejected")


class Disconnected(Exception):
    """The sender went away before its body was complete."""


@dataclass(slots=True)
class Budget:
    """Bytes of bodies that this process may hold at once, being read or waiting for their commit."""

    limit: int
    held: int = 0


class Body:
    """One body, counted against the budget from its first byte to its answer."""

    __slots__ = ("_budget", "_limit", "_size")

    def __init__(self, limit: int, budget: Budget) -> None:
        self._limit = limit
        self._budget = budget
        self._size = 0

    async def read(self, receive: Receive) -> bytes | Declined:
        """Raises:
        Disconnected: the sender went away.
        """
        chunks: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            self._size += len(chunk)
            self._budget.held += len(chunk)
            if self._size > self._limit:
                return TOO_LARGE
            if self._budget.held > self._budget.limit:
                metrics.REFUSED.labels("memory").inc()
                return OVERLOADED
            if not message.get("more_body"):
                return b"".join((*chunks, chunk)) if chunks else chunk
            chunks.append(chunk)

    def release(self) -> None:
        self._budget.held -= self._size
        self._size = 0
