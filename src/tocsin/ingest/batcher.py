"""The group commit: while one transaction is in flight, webhooks gather; the next takes them all.

No timer and no added delay: an idle server commits a lone webhook at once, a busy one commits ever
larger groups. A bad webhook never fails its neighbours: a batch that fails is split until the bad
one is alone; it is answered 500, and the attempt is on record.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from tocsin.ingest import metrics
from tocsin.ingest.commit import commit_webhooks
from tocsin.ingest.kept import quoted
from tocsin.ingest.refusals import FAULT, OVERLOADED, UNAVAILABLE
from tocsin.ingest.senders import Senders
from tocsin.ingest.trouble import say_database_away, say_database_back, say_overloaded
from tocsin.ingest.webhook import Answer, Webhook
from tocsin.model import utc_now
from tocsin.store import arrays
from tocsin.store.failures import Conflict, Deadlock, is_away
from tocsin.store.pipe import Pipe
from tocsin.store.statements import prepared

log = structlog.get_logger(__name__)

BATCH_LIMIT = 256
"""Webhooks in one transaction: enough to make the commit cheap, few enough to keep locks short."""

SIGNAL_LIMIT = 2_000
"""Signals in one transaction; each takes a lock, and PostgreSQL's lock table is small by default."""

PATIENCE_SECONDS = 8.0
"""For one transaction. Senders give up after 10 s and more; they are to be asked to come back."""

# Nested loops over the primary and partial indexes are right for these statements whatever the
# statistics say; a plan made while the tables were empty must not survive to five million rows, nor
# one that reads all live alerts, because there were few of them when somebody last counted.
PLANNER = (
    "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
    " -c enable_material=off -c enable_memoize=off -c jit=off"
    " -c plan_cache_mode=force_generic_plan -c timezone=UTC"
)


@dataclass(slots=True)
class Batcher:
    """One per process: a queue, a connection, and at most one transaction in flight."""

    url: str
    senders: Senders
    queue_limit: int
    keep_rejected: int
    clock: Callable[[], datetime] = utc_now
    _waiting: deque[tuple[Webhook, asyncio.Future[Answer]]] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _pipe: Pipe | None = None
    _closing: bool = False
    _available: bool = True

    async def submit(self, webhook: Webhook) -> Answer:
        """Wait for the commit that takes this webhook; the answer is what became of it."""
        if len(self._waiting) >= self.queue_limit or self._closing:
            metrics.REFUSED.labels("overloaded").inc()
            say_overloaded()
            return OVERLOADED
        if not self._available and len(self._waiting) >= BATCH_LIMIT:
            return UNAVAILABLE
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((webhook, future))
        self._wake.set()
        return await future

    @property
    def is_available(self) -> bool:
        return self._available

    async def run(self) -> None:
        """Commit until `close`, then drain what has been taken."""
        while True:
            if not self._waiting:
                if self._closing:
                    break
                self._wake.clear()
                await self._wake.wait()
                continue
            taken = self._take()
            await self._commit([webhook for webhook, _ in taken])
            for webhook, future in taken:
                if not future.done():
                    future.set_result(webhook.answer or FAULT)
        await self._drop()

    def close(self) -> None:
        self._closing = True
        self._wake.set()

    def _take(self) -> list[tuple[Webhook, asyncio.Future[Answer]]]:
        taken: list[tuple[Webhook, asyncio.Future[Answer]]] = []
        signals = 0
        while self._waiting and len(taken) < BATCH_LIMIT and signals < SIGNAL_LIMIT:
            webhook, future = self._waiting.popleft()
            if future.cancelled():
                continue
            signals += len(webhook.signals)
            taken.append((webhook, future))
        return taken

    async def _commit(self, webhooks: list[Webhook]) -> None:
        """Store all; what cannot be stored alone is answered 500 and recorded as failed."""
        if not webhooks:
            return
        metrics.BATCH_SIZE.observe(len(webhooks))
        error: Exception = RuntimeError("lost every race")
        decided: list[Answer | None] = []
        for attempt in range(3):
            for webhook in webhooks:
                webhook.answer = None
            try:
                if decided and await self._is_stored(webhooks):
                    for webhook, answer in zip(webhooks, decided, strict=True):
                        webhook.answer = answer
                    return
                await self._transaction(webhooks)
            except (Conflict, Deadlock):
                # Somebody else won a race that the locks do not cover (a person's reopening, say):
                # what is known is out of date, so decide again.
                continue
            except Exception as caught:
                error = caught
                if not is_away(error):
                    break
                if attempt == 0 and self._available and not isinstance(error, TimeoutError):
                    # A connection that died while idle is no reason to refuse anything. If it died
                    # at the commit, nobody knows whether that was done: look before doing it again.
                    if all(webhook.answer is not None for webhook in webhooks):
                        decided = [webhook.answer for webhook in webhooks]
                    continue
                self._away(webhooks, error)
                return
            else:
                return
        if len(webhooks) == 1:
            await self._give_up(webhooks[0], error)
            return
        middle = len(webhooks) // 2
        await self._commit(webhooks[:middle])
        await self._commit(webhooks[middle:])

    async def _transaction(self, webhooks: list[Webhook]) -> None:
        async with self._connected() as pipe:
            await commit_webhooks(
                pipe,
                self.senders,
                webhooks,
                now=self.clock(),
                keep_rejected=self.keep_rejected,
            )
        if not self._available:
            say_database_back()
        self._available = True

    async def _is_stored(self, webhooks: list[Webhook]) -> bool:
        ids = arrays.uuids([webhook.id for webhook in webhooks])
        async with self._connected() as pipe:
            (found,) = await pipe.run((prepared("count_webhooks"), {"ids": ids}))
        return bool(found[0].stored)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Pipe]:
        """A connection, for no longer than senders wait; after any error it is not used again."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                if self._pipe is None or not self._pipe.is_usable:
                    self._pipe = await Pipe.open(self.url, options=PLANNER)
                yield self._pipe
        except BaseException:
            await self._drop()
            raise

    async def _drop(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            await pipe.close()

    def _away(self, webhooks: list[Webhook], error: Exception) -> None:
        if self._available:
            say_database_away(error)
        self._available = False
        for webhook in webhooks:
            webhook.answer = UNAVAILABLE
        metrics.REFUSED.labels("database").inc(len(webhooks))

    async def _give_up(self, webhook: Webhook, error: Exception) -> None:
        log.error(
            "ingest.poison",
            integration_id=str(webhook.sender.id),
            error=type(error).__name__,
            exc_info=error,
        )
        metrics.FAULTS.inc()
        webhook.signals = []
        webhook.flags = ()
        webhook.settled, webhook.is_final = FAULT, True
        try:
            await self._transaction([webhook])
            return
        except Exception as again:
            log.error("ingest.poison_not_recorded", error=type(again).__name__)
        # Perhaps it is what it came with that cannot be stored.
        webhook.headers, webhook.idempotency_key = {}, None
        webhook.raw_payload = quoted(webhook.body)
        try:
            await self._transaction([webhook])
        except Exception as again:
            log.error("ingest.poison_not_recorded", error=type(again).__name__)
            webhook.answer = FAULT
