"""What is told of a webhook, of its commit, and of each attempt to send a message.

Ids, kinds, codes and numbers; never what a payload, a message or a secret says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final
from uuid import UUID

from tocsin.tracing.context import TraceContext, Traced, begun, context_of_webhook, derived_id

ALERTS_LISTED: Final = 20
"""Of one webhook, at most."""

Attributes = Mapping[str, str | int | bool | Sequence[str]]


class SpanKind(Enum):
    """Whether others are waited for: whose call it was, or whom it called."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class FinishedSpan:
    """Something that is over. Times are nanoseconds since 1970. `error`: a code, where it failed."""

    name: str
    kind: SpanKind
    traced: Traced
    began: int
    ended: int
    attributes: Attributes
    error: str | None = None


class Tracer:
    """Tells `sink` what is to be recorded. It never waits."""

    def __init__(self, sink: Callable[[FinishedSpan], None], share: float = 1.0) -> None:
        self._sink = sink
        self.share = share

    def webhook(
        self,
        id: bytes,
        headers: Mapping[str, str],
        seconds: float,
        *,
        source: str,
        integration_id: UUID,
        workspace_id: UUID,
        status_code: int,
        outcome: str,
        alerts: Iterable[bytes] = (),
    ) -> None:
        """A webhook was answered, so many `seconds` after its last byte."""
        traced = context_of_webhook(id, headers, self.share)
        if not traced.context.is_sampled:
            return
        attributes: dict[str, str | int | bool | Sequence[str]] = {
            "http.route": "/webhooks/{integration_id}",
            "http.response.status_code": status_code,
            "tocsin.source": source,
            "tocsin.integration.id": str(integration_id),
            "tocsin.workspace.id": str(workspace_id),
            "tocsin.webhook_delivery.id": str(UUID(bytes=id)),
            "tocsin.webhook_delivery.outcome": outcome,
        }
        if listed := [str(UUID(bytes=alert)) for alert in [*alerts][:ALERTS_LISTED]]:
            attributes["tocsin.alert.ids"] = listed
        error = outcome if status_code >= 500 else None
        self._tell(f"webhook {source}", SpanKind.SERVER, traced, seconds, attributes, error)

    def committed(
        self, webhooks: Sequence[tuple[bytes, Mapping[str, str]]], seconds: float
    ) -> None:
        """One transaction stored these, ids and headers, all together."""
        attributes: Attributes = {
            "db.system.name": "postgresql",
            "db.operation.batch.size": len(webhooks),
        }
        for id, headers in webhooks:
            parent = context_of_webhook(id, headers, self.share).context
            if parent.is_sampled:
                traced = Traced(parent.child(derived_id(b"commit", id)), parent)
                self._tell("commit", SpanKind.INTERNAL, traced, seconds, attributes)

    def attempt(self, alert_delivery_id: UUID, number: int, cause: TraceContext | None) -> Traced:
        """The span of an attempt that is about to be made. `cause`: the webhook that the message is
        about."""
        id = alert_delivery_id.bytes + number.to_bytes(4)
        span_id = derived_id(b"attempt", id)
        if cause is None:
            return Traced(begun(b"message", alert_delivery_id.bytes, span_id, self.share))
        return Traced(cause.child(span_id), cause)

    def attempted(
        self,
        traced: Traced,
        seconds: float,
        channel: str,
        attributes: Attributes,
        error: str | None = None,
    ) -> None:
        """An attempt is over that took so many `seconds`."""
        if traced.context.is_sampled:
            self._tell(f"send {channel}", SpanKind.CLIENT, traced, seconds, attributes, error)

    def _tell(
        self,
        name: str,
        kind: SpanKind,
        traced: Traced,
        seconds: float,
        attributes: Attributes,
        error: str | None = None,
    ) -> None:
        ended = time.time_ns()
        began = ended - max(0, int(seconds * 1e9))
        self._sink(FinishedSpan(name, kind, traced, began, ended, attributes, error))
