"""The spool, emptied into the database: in order, each webhook once, decided by today's configuration.

Whatever became of a webhook is on record like that of any other; that it waited is a flag on it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog

from tocsin.alerts.directory import IntegrationEntry
from tocsin.heartbeats.pings import PingRefusal, Pings
from tocsin.ingest import metrics
from tocsin.ingest.connection import PATIENCE_SECONDS
from tocsin.ingest.duplicates import recall
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.received_webhook import Accepted, Answer, Declined, Webhook
from tocsin.ingest.refusals import DELETED_MEANWHILE, FAULT, OVERLOADED, UNAVAILABLE
from tocsin.ingest.senders import Sender, Senders
from tocsin.ingest.spool.kept_request import KeptRequest
from tocsin.ingest.spool.spool import Chunk, Spool
from tocsin.ingest.trouble import say_spool_emptied, say_spool_lost
from tocsin.ingest.understand import read_refused, understand
from tocsin.model import utc_now
from tocsin.store import arrays
from tocsin.store.described import described
from tocsin.store.failures import is_away
from tocsin.store.pipe import PLANNER, Call, Pipe
from tocsin.store.reconnecting import Reconnecting
from tocsin.store.statements import prepared
from tocsin.turns import at_once_aside

log = structlog.get_logger(__name__)

_NOT_NOW: Final = (UNAVAILABLE, OVERLOADED)
_NO_PING: Final = {PingRefusal.UNAVAILABLE, PingRefusal.OVERLOADED, PingRefusal.FAULT}


class NotNow(Exception):
    """Not all of a chunk could be committed; it is begun again."""


@dataclass(slots=True)
class Drain:
    """One per process. `lanes` are its own: what arrives meanwhile goes to the spool."""

    url: str
    spool: Spool
    senders: Senders
    lanes: Lanes
    pings: Pings
    rejected_body_bytes: int
    body_limit: int
    _outcomes: Counter[str] = field(default_factory=Counter)

    async def run(self) -> None:
        """Forever; ends when canceled, and what is not committed stays where it is."""
        connection = Reconnecting(lambda: Pipe.open(self.url, options=PLANNER))
        try:
            while True:
                await self.spool.filled()
                try:
                    await self._empty(connection)
                except Exception as error:
                    if isinstance(error, NotNow) or is_away(error):
                        log.info("the spool waits for the database", **described(error))
                    else:
                        log.error("cannot commit webhooks of the spool", **described(error))
                    self.spool.stall()
                    await connection.back_off()
        finally:
            await connection.close()

    async def _empty(self, connection: Reconnecting[Pipe]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            pipe = await connection.get()
            # By what is configured now, and not when the database went away.
            await self.senders.feed.look()
        self.spool.is_emptying = True
        while (chunk := await self.spool.next()) is not None:
            await self._commit(pipe, chunk)
            self.spool.done(chunk)
        if self._outcomes:
            say_spool_emptied(self._outcomes)
            self._outcomes.clear()

    async def _commit(self, pipe: Pipe, chunk: Chunk) -> None:
        current, entries = self.senders.current, self.senders.feed.current.integrations
        webhooks = await at_once_aside(self._understood, chunk.requests, current, entries)
        stored = await _stored_of(pipe, webhooks, recall(webhooks, utc_now()))
        fresh = [webhook for webhook in webhooks if webhook.id not in stored]
        pinged = await asyncio.gather(
            *(self.pings.submit(ping) for webhook in fresh for ping in webhook.pings)
        )
        if _NO_PING & {*pinged}:
            raise NotNow
        answers = await asyncio.gather(*(self.lanes.submit(webhook) for webhook in fresh))
        if any(answer in _NOT_NOW for answer in answers):
            raise NotNow
        if FAULT in answers and (lost := await self._unstored(pipe, fresh, answers)):
            say_spool_lost(self.spool.set_aside(), lost)
        for answer in answers:
            became = _word(answer)
            self._outcomes[became] += 1
            metrics.UNSPOOLED.labels(became).inc()

    async def _unstored(
        self, pipe: Pipe, webhooks: Sequence[Webhook], answers: Sequence[Answer]
    ) -> int:
        """How many of those that were answered with a fault are not even on record."""
        failed = [w for w, answer in zip(webhooks, answers, strict=True) if answer is FAULT]
        return len(failed) - len(await _stored_of(pipe, failed))

    def _understood(
        self,
        requests: Sequence[KeptRequest],
        senders: Mapping[UUID, Sender],
        entries: Mapping[UUID, IntegrationEntry],
    ) -> list[Webhook]:
        """Of what no integration is left there is nothing to keep a record by."""
        webhooks = []
        for request in requests:
            webhook = self._read(request, senders, entries)
            if webhook is None:
                log.warning(
                    "a webhook in the spool is of an integration that is gone, and goes with it",
                    integration_id=str(request.integration_id),
                )
                continue
            webhook.id, webhook.answered = request.id, request.answered
            webhooks.append(webhook)
        return webhooks

    def _read(
        self,
        request: KeptRequest,
        senders: Mapping[UUID, Sender],
        entries: Mapping[UUID, IntegrationEntry],
    ) -> Webhook | None:
        sender = senders.get(request.integration_id)
        keep = self.rejected_body_bytes
        if sender is not None:
            return understand(
                sender,
                request.headers,
                request.body,
                request.received_at,
                shown=request.shown,
                rejected_body_bytes=keep,
                body_limit=self.body_limit,
            )
        entry = entries.get(request.integration_id)
        if entry is None:
            return None
        webhook = read_refused(
            Sender.deleted(entry),
            request.headers,
            request.body,
            request.received_at,
            DELETED_MEANWHILE,
            keep,
        )
        webhook.is_final = True
        return webhook


async def _stored_of(pipe: Pipe, webhooks: Sequence[Webhook], *further: Call) -> frozenset[bytes]:
    """Those that are in the database: a process that emptied the spool may have died in the middle of
    it, or the database went away as it committed."""
    ids = arrays.uuids([webhook.id for webhook in webhooks])
    async with asyncio.timeout(PATIENCE_SECONDS):
        stored, *_ = await pipe.run((prepared("stored_webhooks"), {"ids": ids}), *further)
    return frozenset(row.id.bytes for row in stored)


def _word(answer: Answer) -> str:
    if isinstance(answer, Accepted):
        return answer.status.value
    assert isinstance(answer, Declined)
    return answer.outcome.value
