"""The short road of a webhook: from its last byte to the queue in one call, from the commit to the
socket in another.

Nearly all webhooks are small, authentic and whole when their head is read; a task for each, and ASGI's
messages, would be a fifth of what they cost. Whatever is not so ordinary is left to `endpoint`, as if
nobody had looked at it: that is the road that knows all cases, and answers all refusals.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

import structlog

from tocsin.ingest import metrics, replies
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

_METHODS: Final = tuple(method.encode() for method in METHODS)
_PREFIX: Final = PREFIX.encode()

_REMEMBERED: Final = 4_096
_REMEMBERED_LENGTH: Final = 256
"""Bytes of one target."""


class _Place(NamedTuple):
    """What a target names: an integration as it is now, and perhaps a secret."""

    sender: Sender
    identifier: str
    shown: Shown


class ShortRoad:
    __slots__ = (
        "_endpoint",
        "_is_open",
        "_known",
        "_known_of",
        "_lanes",
        "_late",
        "_senders",
        "_settings",
    )

    def __init__(
        self, endpoint: Endpoint, senders: Senders, lanes: Lanes, settings: Settings
    ) -> None:
        self._endpoint = endpoint
        self._senders = senders
        self._lanes = lanes
        self._settings = settings
        self._is_open = settings.rate_limit_per_second is None
        self._known: dict[bytes, _Place] = {}
        self._known_of: Mapping[UUID, Sender] = {}
        self._late: set[asyncio.Future[None]] = set()

    def take(
        self,
        method: bytes,
        target: bytes,
        headers: list[tuple[bytes, bytes]],
        content: bytes,
        send: SendReply,
    ) -> bool:
        """Whether this request is taken, and will be answered. If not, nothing was done."""
        if not (self._is_open and target.startswith(_PREFIX) and method in _METHODS):
            return False
        started = time.perf_counter()
        try:
            place = self._place(target)
            webhook = None if place is None else self._read(place, headers_of(headers), content)
            if place is None or webhook is None:
                return False
            self._endpoint.bodies.held += len(content)
            tell = partial(self._answer, place.identifier, webhook, started, send)
            if self._lanes.enqueue_light(webhook, tell):
                if webhook.sender.source.has_leases:
                    # Not before: what is not taken is looked at on the long road.
                    self._endpoint.sender_clocks.look(webhook)
                return True
            self._endpoint.bodies.held -= len(content)
        except Exception:  # noqa: S110 - whatever it is, the long road meets it again, and says so
            pass
        return False

    def _place(self, target: bytes) -> _Place | None:
        """None: the long road says what that is."""
        senders = self._senders.current
        if senders is not self._known_of or len(self._known) > _REMEMBERED:
            self._known, self._known_of = {}, senders
        place = self._known.get(target)
        if place is None and len(target) <= _REMEMBERED_LENGTH:
            path = target.partition(b"?")[0]
            identifier, _, secret = path[len(_PREFIX) :].decode("ascii").partition("/")
            sender = None if b"%" in path or b"#" in path else senders.get(uuid_of(identifier))
            if sender is not None:
                shown = Shown(path_secret=secret) if secret else NOTHING_SHOWN
                place = self._known[target] = _Place(sender, identifier, shown)
        return place

    def _read(self, place: _Place, headers: dict[str, str], content: bytes) -> Webhook | None:
        """None: it is not as simple as that."""
        bodies = self._endpoint.bodies
        if (
            is_large(headers, content)
            or len(content) > bodies.limit
            or bodies.held + len(content) > bodies.held_limit
        ):
            return None
        sender, _, shown = place
        now = utc_now()
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

    def _answer(
        self,
        identifier: str,
        webhook: Webhook,
        started: float,
        send: SendReply,
        answer: Answer,
    ) -> None:
        self._endpoint.bodies.held -= len(webhook.body)
        if webhook.pings:
            # Read again meanwhile, by a heartbeat that was bound a moment ago.
            late = asyncio.ensure_future(self._ping(identifier, webhook, started, send, answer))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            return
        try:
            reply = self._reply(identifier, webhook, answer, started)
        except Exception as error:
            reply = _fault(identifier, error)
        reply.hand_to(send)

    async def _ping(
        self,
        identifier: str,
        webhook: Webhook,
        started: float,
        send: SendReply,
        answer: Answer,
    ) -> None:
        try:
            pinged = await self._endpoint.ping(webhook)
            reply = self._reply(identifier, webhook, answer if pinged else UNAVAILABLE, started)
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
