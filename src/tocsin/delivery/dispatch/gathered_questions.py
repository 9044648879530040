"""Questions to the database about messages that are about to be sent.

Like outcomes, they gather while one is on its way, so that a burst costs a few. No message waits long
for an answer: where none comes in time, or the database does not answer, there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar
from uuid import UUID

import structlog

from tocsin.store.described import described
from tocsin.store.reconnecting import Closeable, Reconnecting

log = structlog.get_logger(__name__)

C = TypeVar("C", bound=Closeable)
A = TypeVar("A")


class GatheredQuestions(Generic[C, A]):
    """`ask` answers for those messages of which there is something to say; `unanswered` is what the
    log says where it fails."""

    def __init__(
        self,
        open_one: Callable[[], Awaitable[C]],
        ask: Callable[[C, Sequence[UUID]], Awaitable[Mapping[UUID, A]]],
        *,
        patience_seconds: float,
        name: str,
        unanswered: str,
    ) -> None:
        self._connection = Reconnecting(open_one, pause_seconds=0)
        self._ask = ask
        self._patience_seconds = patience_seconds
        self._name = name
        self._unanswered = unanswered
        self._waiting: dict[UUID, asyncio.Future[A | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._connection.close()

    async def answer(self, message_id: UUID) -> A | None:
        """None, too, if no answer comes in time."""
        answer = self._waiting.setdefault(message_id, asyncio.get_running_loop().create_future())
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all(), name=self._name)
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await asyncio.shield(answer)
        except TimeoutError:
            return None

    async def _ask_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            found: Mapping[UUID, A] = {}
            try:
                found = await self._ask(await self._connection.get(), list(asked))
            except Exception as error:
                log.warning(self._unanswered, **described(error))
                await self._connection.close()
            finally:
                for message_id, answer in asked.items():
                    if not answer.done():
                        answer.set_result(found.get(message_id))
