"""Attempts as parts of the traces of the webhooks that their messages are about.

No message waits long for what it is about, and none stays unsent for want of it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.delivery.dispatch.gathered_questions import GatheredQuestions
from tocsin.delivery.dispatch.targets import Target
from tocsin.delivery.outcome import Failed, Outcome, Retry
from tocsin.store.delivery_queue import Claimed
from tocsin.store.message_causes import MessageCauses
from tocsin.tracing import Traced, Tracer, context_of_webhook

PATIENCE_SECONDS = 1.0
"""For an answer."""


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
        self._causes = GatheredQuestions(
            lambda: MessageCauses.open(url),
            MessageCauses.of,
            patience_seconds=PATIENCE_SECONDS,
            name="causes of messages",
            unanswered="cannot look up what messages are about",
        )

    async def close(self) -> None:
        await self._causes.close()

    async def begin(self, claimed: Claimed, target: Target) -> TracedAttempt:
        """Where nobody knows what it is about, its trace begins with it."""
        cause = await self._causes.answer(claimed.id)
        context = None
        if cause is not None:
            id, headers = cause.webhook_delivery_id.bytes, cause.headers
            context = context_of_webhook(id, headers, self._tracer.share).context
        traced = self._tracer.attempt(claimed.id, claimed.attempt_count, context)
        return TracedAttempt(self._tracer, traced, claimed, target, time.monotonic())
