"""Attempts as parts of the traces of the webhooks that their messages are about.

Like looks at pages, questions gather while one is on its way. No message waits long for an answer, and
none stays unsent for want of one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import structlog

from tocsin.delivery.dispatch.targets import Target
from tocsin.delivery.outcome import Failed, Outcome, Retry
from tocsin.store.delivery_queue import Claimed
from tocsin.store.described import described
from tocsin.store.message_causes import MessageCause, MessageCauses
from tocsin.store.reconnecting import Reconnecting
from tocsin.tracing import Traced, Tracer, context_of_webhook

PATIENCE_SECONDS = 1.0
"""For an answer."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TracedAttempt:
    """One attempt that has begun."""

    tracer: Tracer
    traced: Traced
    claimed: Claimed
    target: Target
    began: float

    @property
    def headers(self) -> Mapping[str, str]:
        """What its receiver may continue the trace by."""
        return self.traced.context.headers

    def ended(self, outcome: Outcome) -> None:
        attributes: dict[str, str | int] = {
            "tocsin.alert_delivery.id": str(self.claimed.id),
            "tocsin.event_type": self.claimed.event_type,
            "tocsin.workspace.id": str(self.claimed.workspace_id),
            "tocsin.destination.id": str(self.claimed.alert_destination_id),
            "tocsin.attempt": self.claimed.attempt_count,
            "tocsin.outcome": type(outcome).__name__.lower(),
        }
        if self.claimed.alert_id is not None:
            attributes["tocsin.alert.id"] = str(self.claimed.alert_id)
        if outcome.http_status is not None:
            attributes["http.response.status_code"] = outcome.http_status
        error = outcome.code if isinstance(outcome, Retry | Failed) else None
        if error is not None:
            attributes["error.type"] = error
        seconds = time.monotonic() - self.began
        self.tracer.attempted(self.traced, seconds, self.target.kind, attributes, error)


class AttemptTraces:
    """One per dispatcher."""

    def __init__(self, url: str, tracer: Tracer) -> None:
        self._tracer = tracer
        self._causes = Reconnecting(lambda: MessageCauses.open(url), pause_seconds=0)
        self._waiting: dict[UUID, asyncio.Future[MessageCause | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def close(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await self._causes.close()

    async def begin(self, claimed: Claimed, target: Target) -> TracedAttempt:
        """Where nobody knows what it is about, its trace begins with it."""
        cause = await self._cause(claimed.id)
        context = None
        if cause is not None:
            id, headers = cause.webhook_delivery_id.bytes, cause.headers
            context = context_of_webhook(id, headers, self._tracer.share).context
        traced = self._tracer.attempt(claimed.id, claimed.attempt_count, context)
        return TracedAttempt(self._tracer, traced, claimed, target, time.monotonic())

    async def _cause(self, message_id: UUID) -> MessageCause | None:
        answer = self._waiting.setdefault(message_id, asyncio.get_running_loop().create_future())
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all(), name="causes of messages")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await asyncio.shield(answer)
        except TimeoutError:
            return None

    async def _ask_all(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            found: Mapping[UUID, MessageCause] = {}
            try:
                found = await (await self._causes.get()).of(list(asked))
            except Exception as error:
                log.warning("cannot look up what messages are about", **described(error))
                await self._causes.close()
            finally:
                for message_id, answer in asked.items():
                    if not answer.done():
                        answer.set_result(found.get(message_id))
