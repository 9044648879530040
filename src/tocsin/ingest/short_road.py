"""The short road of a webhook: from its last byte to the queue in one call, from the commit to the
socket in another.

Nearly all webhooks are small, authentic and whole when their head is read; a task for each, and ASGI's
messages, would be a seventh of what they cost. Whatever is not so ordinary is left to `endpoint`, as if
nobody had looked at it: that is the road that knows all cases, and answers all refusals.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import structlog

from tocsin.ingest import metrics, replies
from tocsin.ingest.body import Body
from tocsin.ingest.endpoint import METHODS, Endpoint, final, headers_of, uuid_of
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.received_webhook import NOTHING_SHOWN, Answer, Declined, Shown, Webhook
from tocsin.ingest.refusals import FAULT, UNAVAILABLE
from tocsin.ingest.replies import PREFIX, Reply, SendReply
from tocsin.ingest.senders import Sender, Senders
from tocsin.ingest.understand import admitted, is_large, read_authentic
from tocsin.model import utc_now
from tocsin.settings import Settings

log = structlog.get_logger(__name__)


class ShortRoad:
    __slots__ = ("_endpoint", "_lanes", "_late", "_senders", "_settings")

    def __init__(
        self, endpoint: Endpoint, senders: Senders, lanes: Lanes, settings: Settings
    ) -> None:
        self._endpoint = endpoint
        self._senders = senders
        self._lanes = lanes
        self._settings = settings
        self._late: set[asyncio.Future[None]] = set()

    def take(self, scope: Any, content: bytes, send: SendReply) -> bool:
        """Whether this request is taken, and will be answered. If not, nothing was done."""
        path: str = scope["path"]
        if not path.startswith(PREFIX) or scope["method"] not in METHODS:
            return False
        started = time.perf_counter()
        identifier, _, secret = path[len(PREFIX) :].partition("/")
        try:
            webhook = self._read(identifier, secret, headers_of(scope["headers"]), content)
        except Exception:  # whatever it is, the long road meets it again, and says so
            return False
        queued = None if webhook is None else self._lanes.enqueue_light(webhook)
        if webhook is None or queued is None:
            return False
        if isinstance(queued, Declined):
            self._reply(identifier, webhook, queued, started).hand_to(send)
            return True
        body = Body(self._endpoint.bodies)
        body.grows(len(content))
        queued.add_done_callback(partial(self._answer, identifier, webhook, body, started, send))
        return True

    def _read(
        self, identifier: str, secret: str, headers: dict[str, str], content: bytes
    ) -> Webhook | None:
        """None: it is not as simple as that."""
        bodies = self._endpoint.bodies
        sender = self._sender(identifier)
        if (
            sender is None
            or self._settings.rate_limit_per_second is not None
            or is_large(headers, content)
            or len(content) > bodies.limit
            or bodies.held + len(content) > bodies.held_limit
        ):
            return None
        now = utc_now()
        shown = Shown(path_secret=secret) if secret else NOTHING_SHOWN
        if admitted(sender, headers, content, now, shown) is not None:
            return None
        webhook = read_authentic(sender, headers, content, now, bodies.limit, at_once=True)
        if webhook.raw_payload is not content or webhook.pings:
            return None
        if webhook.settled is not None and self._settings.sns_confirm == "yes":
            return None
        webhook.shown = shown
        webhook.rejected_body_bytes = self._settings.rejected_body_bytes
        webhook.body_limit = bodies.limit
        return webhook

    def _sender(self, identifier: str) -> Sender | None:
        try:
            return self._senders.current.get(uuid_of(identifier))
        except ValueError:
            return None

    def _answer(
        self,
        identifier: str,
        webhook: Webhook,
        body: Body,
        started: float,
        send: SendReply,
        committed: asyncio.Future[Answer],
    ) -> None:
        body.release()
        if webhook.pings:
            # Read again meanwhile, by a heartbeat that was bound a moment ago.
            late = asyncio.ensure_future(self._ping(identifier, webhook, started, send, committed))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return
        try:
            reply = self._reply(identifier, webhook, committed.result(), started)
        except Exception as error:
            reply = _fault(identifier, error)
        reply.hand_to(send)

    async def _ping(
        self,
        identifier: str,
        webhook: Webhook,
        started: float,
        send: SendReply,
        committed: asyncio.Future[Answer],
    ) -> None:
        try:
            pinged = await self._endpoint.ping(webhook)
            answer = committed.result() if pinged else UNAVAILABLE
            reply = self._reply(identifier, webhook, answer, started)
        except Exception as error:
            reply = _fault(identifier, error)
        reply.hand_to(send)

    def _reply(self, identifier: str, webhook: Webhook, answer: Answer, started: float) -> Reply:
        answer = final(webhook, answer)
        self._endpoint.count(webhook.sender, webhook, answer, started)
        if isinstance(answer, Declined):
            return replies.declined(identifier, answer)
        return replies.accepted(webhook, answer)


def _fault(identifier: str, error: Exception) -> Reply:
    log.error("ingest.fault", error=type(error).__name__, exc_info=error)
    metrics.FAULTS.inc()
    return replies.declined(identifier, FAULT)
