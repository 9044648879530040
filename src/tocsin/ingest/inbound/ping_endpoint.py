"""Where pings come in: plain ASGI, since there may be many thousands a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

import structlog

from tocsin.heartbeats.beat import PingKind, PingOutcome
from tocsin.heartbeats.pings import (
    HeartbeatName,
    IncomingPing,
    PingAnswer,
    PingRefusal,
    Pings,
)
from tocsin.heartbeats.tokens import token_digest
from tocsin.ingest import metrics
from tocsin.ingest.body import Disconnected, Receive
from tocsin.ingest.inbound.ping_forms import (
    BODY_LIMIT,
    FormProblem,
    PingForm,
    PingReply,
    PingRequest,
    understand_ping,
)
from tocsin.ingest.proof.verify import Refused, verify_token
from tocsin.ingest.replies import Send
from tocsin.ingest.senders import Senders
from tocsin.ingest.sources.kit.storable import clean_text
from tocsin.model import Secret, utc_now
from tocsin.store.failures import is_away
from tocsin.store.queries.heartbeats import HEARTBEAT_TYPE

MOST_BYTES: Final = 1_048_576
"""Of a body; all but its beginning is thrown away as it comes in."""

BODY_SECONDS: Final = 10.0
"""For one body, however slowly it comes; clients of pings give up after that."""

WRITTEN_A_SECOND: Final = 5
"""Pings of one heartbeat and one kind. More say nothing new, and are answered without being written."""

_TOO_LARGE: Final = PingReply(413, b"the body is too large")
_TOO_SLOW: Final = PingReply(408, b"the body came too slowly", ((b"connection", b"close"),))

log = structlog.get_logger(__name__)


class PingEndpoint:
    """One per process."""

    def __init__(self, senders: Senders, pings: Pings) -> None:
        self._pings = pings
        self._senders = senders
        self._second = 0
        self._written: dict[tuple[HeartbeatName, PingKind], int] = {}
        """In this second."""

    async def __call__(
        self, form: PingForm, scope: Mapping[str, Any], receive: Receive, send: Send
    ) -> None:
        try:
            reply = await self._reply(form, scope, receive)
        except Disconnected:
            return
        except TimeoutError:
            reply = _TOO_SLOW
        except Exception as error:
            log.error("failed to take a ping", error=type(error).__name__, exc_info=error)
            reply = form.answer(PingRefusal.FAULT)
        length = (b"content-length", b"%d" % len(reply.body))
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [length, *reply.headers],
            }
        )
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(self, form: PingForm, scope: Mapping[str, Any], receive: Receive) -> PingReply:
        method: str = scope["method"]
        asked = understand_ping(form, method, scope["path"], scope["query_string"])
        body = None if method in ("GET", "HEAD") else await _body(receive)
        if body is _TOO_LARGE:
            return _TOO_LARGE
        answer = asked if isinstance(asked, FormProblem) else await self._take(asked, method, body)
        metrics.PINGS.labels(answer.value).inc()
        return form.answer(answer)

    async def _take(
        self, asked: PingRequest, method: str, body: bytes | PingReply | None
    ) -> PingAnswer:
        name = await self._name(asked)
        if isinstance(name, PingRefusal):
            return name
        kind = asked.ping.kind
        if self._is_flood(name, kind):
            return PingOutcome.COUNTED
        said = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
        text, _ = clean_text(said or asked.message or "", BODY_LIMIT)
        incoming = IncomingPing(name, asked.ping, utc_now(), method, text or None)
        answer = await self._pings.submit(incoming)
        if isinstance(answer, PingOutcome):
            key = (name, kind)
            self._written[key] = self._written.get(key, 0) + 1
        return answer

    async def _name(self, asked: PingRequest) -> HeartbeatName | PingRefusal:
        if asked.token is not None:
            return HeartbeatName(digest=token_digest(asked.token))
        if asked.ping_key is None or asked.slug is None:
            return PingRefusal.UNKNOWN
        key, now = Secret(asked.ping_key), utc_now()
        try:
            holder = await self._senders.find_holder(HEARTBEAT_TYPE, key)
        except Exception as error:
            if not is_away(error):
                raise
            return PingRefusal.UNAVAILABLE
        if holder is None or holder.profile is None or not holder.is_active:
            return PingRefusal.UNKNOWN
        verdict = verify_token(holder.profile, key.reveal(), now)
        if isinstance(verdict, Refused):
            return PingRefusal.UNKNOWN
        holder.note_proof(verdict, now)
        return HeartbeatName(workspace_id=holder.entry.workspace_id.bytes, slug=asked.slug)

    def _is_flood(self, name: HeartbeatName, kind: PingKind) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second = second
            self._written.clear()
            return False
        if self._written.get((name, kind), 0) < WRITTEN_A_SECOND:
            return False
        # Another kind since says something new again.
        return all((name, other) not in self._written for other in PingKind if other is not kind)


async def _body(receive: Receive) -> bytes | PingReply:
    """Its beginning; the rest is read, so that the connection can be used again."""
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        whole: bytes = message.get("body", b"")
        return whole[:BODY_LIMIT] if len(whole) <= MOST_BYTES else _TOO_LARGE
    async with asyncio.timeout(BODY_SECONDS):
        kept, size = b"", 0
        while True:
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk: bytes = message.get("body", b"")
            size += len(chunk)
            if size > MOST_BYTES:
                return _TOO_LARGE
            kept += chunk[: BODY_LIMIT - len(kept)]
            if not message.get("more_body"):
                return kept
            message = await receive()
