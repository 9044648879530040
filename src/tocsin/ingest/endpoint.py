"""`POST /webhooks/{integration_id}[/{secret}]`, as a plain ASGI application: this is the hot path.

Each step has a file of its own: who the sender is (`senders`), its body (`body`), what it
says (`understand`: verify, parse, normalise), the commit (`batcher`: deduplicate, correlate, plan),
what cannot be taken (`refusals`), and the answer (`replies`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter

from tocsin.heartbeats.pings import PingRefusal, Pings
from tocsin.ingest import metrics, replies
from tocsin.ingest.address_form import content_of, has_fields
from tocsin.ingest.body import Bodies, Body, Disconnected, Receive
from tocsin.ingest.connection import PATIENCE_SECONDS
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.proof.sns import envelope_of
from tocsin.ingest.rate_limit import Throttle
from tocsin.ingest.received_webhook import NOTHING_SHOWN, Answer, Declined, Shown, Webhook
from tocsin.ingest.refusals import (
    FAULT,
    LIMITED,
    NOT_POST,
    OVERLOADED,
    UNAVAILABLE,
    UNCHECKED_SIGNATURE,
    UNKNOWN,
    too_large,
)
from tocsin.ingest.replies import PREFIX, Reply, Send
from tocsin.ingest.sender_clocks import SenderClocks
from tocsin.ingest.senders import Sender, Senders
from tocsin.ingest.sources.kit.evaluation import TooMuchAtOnce
from tocsin.ingest.traces import trace_webhook
from tocsin.ingest.trouble import say_ping_for_nobody, say_rate_limited
from tocsin.ingest.understand import admitted, is_large, read_authentic, read_refused
from tocsin.model import AuthScheme, utc_now
from tocsin.settings import Settings
from tocsin.store.failures import is_away
from tocsin.tracing import Tracer
from tocsin.turns import OwnersInTurn

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]

RECORDED_REJECTIONS_PER_SECOND = 50.0
"""Per integration and process; what comes faster is refused and counted, not written down."""

READING_LIMIT = 250
"""Webhooks of one workspace that wait to be read in the thread: 503 for the rest of its flood."""

METHODS = ("POST", "PUT", "PATCH")
"""Grafana can be set to either of the first two, Site24x7 to any."""
uuid_of = lru_cache(4096)(UUID)


class Endpoint:
    __slots__ = (
        "_confirms_sns",
        "_counters",
        "_lanes",
        "_limit",
        "_pings",
        "_reader",
        "_rejections",
        "_senders",
        "_settings",
        "_tracer",
        "_unknown",
        "bodies",
        "sender_clocks",
    )

    def __init__(
        self,
        senders: Senders,
        lanes: Lanes,
        pings: Pings,
        settings: Settings,
        tracer: Tracer | None = None,
    ) -> None:
        self._senders = senders
        self._tracer = tracer
        self._lanes = lanes
        self._pings = pings
        self._settings = settings
        self.bodies = Bodies(
            limit=settings.max_body_bytes,
            held_limit=settings.ingest_body_bytes,
            seconds=settings.body_timeout_seconds,
        )
        self._rejections = Throttle(RECORDED_REJECTIONS_PER_SECOND)
        self._confirms_sns = settings.sns_confirm == "yes"
        rate = settings.rate_limit_per_second
        self._limit = None if rate is None else Throttle(rate)
        self._reader = OwnersInTurn("reading")
        self.sender_clocks = SenderClocks()
        self._unknown: dict[UUID, float] = {}
        self._counters: dict[tuple[str, int], Counter] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        identifier, _, secret = path[len(PREFIX) :].partition("/")
        try:
            reply = await self._reply(scope, receive, identifier, secret or None)
        except Disconnected:
            return
        except Exception as error:
            log.error("ingest.fault", error=type(error).__name__, exc_info=error)
            metrics.FAULTS.inc()
            reply = replies.declined(identifier, FAULT)
        await reply.send(send)

    async def _reply(
        self, scope: Scope, receive: Receive, identifier: str, secret: str | None
    ) -> Reply:
        if scope["method"] not in METHODS and not has_fields(scope):
            return replies.declined(identifier, NOT_POST)
        headers = headers_of(scope["headers"])
        sender = await self.sender(identifier)
        if _declares_more(headers, self.bodies.limit):
            return replies.declined(identifier, await self.refuse_too_large(sender, headers))
        if isinstance(sender, Declined):
            return replies.declined(identifier, sender)
        body = Body(self.bodies)
        try:
            content = await self.bodies.read(body, receive)
            if content is self.bodies.too_large:
                content = await self.refuse_too_large(sender, headers)
            if isinstance(content, Declined):
                return replies.declined(identifier, content)
            content = content_of(scope, headers, content)
            started = time.perf_counter()
            shown = NOTHING_SHOWN if secret is None else Shown(path_secret=secret)
            webhook, answer = await self._process(sender, headers, content, shown, body)
            self.count(sender, webhook, answer, started)
        finally:
            body.release()
        if isinstance(answer, Declined):
            return replies.declined(identifier, answer)
        assert webhook is not None
        return replies.accepted(webhook, answer)

    async def take(
        self, sender: Sender, headers: dict[str, str], content: bytes, shown: Shown
    ) -> tuple[Webhook | None, Answer]:
        """What another product's API was asked, on the road of all webhooks. `content` is held by the
        caller until the answer. Without a webhook nothing of it is on record."""
        started = time.perf_counter()
        body = Body(self.bodies)
        try:
            webhook, answer = await self._process(sender, headers, content, shown, body)
            self.count(sender, webhook, answer, started)
        finally:
            body.release()
        return webhook, answer

    async def _process(
        self,
        sender: Sender,
        headers: dict[str, str],
        content: bytes,
        shown: Shown,
        body: Body,
    ) -> tuple[Webhook | None, Answer]:
        now = utc_now()
        aside, owner = is_large(headers, content), sender.entry.workspace_id
        if aside:
            refusal = await self._reader.do(owner, admitted, sender, headers, content, now, shown)
        else:
            refusal = admitted(sender, headers, content, now, shown)
        if refusal is not None:
            if refusal is UNCHECKED_SIGNATURE:
                refusal = await self._with_key(sender, headers, content, now, shown)
            if refusal is not None:
                return await self._refuse(sender, headers, content, now, shown, refusal)
        if self._limit is not None and not self._limit.admits(sender.id):
            metrics.REFUSED.labels("rate").inc()
            say_rate_limited(sender.id, sender.entry.name)
            return None, LIMITED
        webhook = None if aside else self._read_at_once(sender, headers, content, now)
        if webhook is None:
            if self._reader.waiting(owner) >= READING_LIMIT:
                metrics.REFUSED.labels("overloaded").inc()
                return None, OVERLOADED
            limit = self.bodies.limit
            webhook = await self._reader.do(
                owner, read_authentic, sender, headers, content, now, limit
            )
        if webhook.raw_payload is not content and not body.grows(len(webhook.raw_payload)):
            return None, OVERLOADED
        if webhook.settled is not None and self._confirms_sns:
            self._confirm_subscription(sender, content)
        return await self._commit(webhook, shown)

    def _read_at_once(
        self, sender: Sender, headers: dict[str, str], content: bytes, now: datetime
    ) -> Webhook | None:
        """None: the sender's mapping costs more than others can be made to wait for."""
        try:
            return read_authentic(sender, headers, content, now, self.bodies.limit, at_once=True)
        except TooMuchAtOnce:
            return None

    def _confirm_subscription(self, sender: Sender, content: bytes) -> None:
        """If it asks for that: what is authentic, and signed by SNS itself."""
        profile = sender.profile
        if profile is not None and profile.auth_scheme is AuthScheme.SNS:
            envelope = envelope_of(content)
            if envelope is not None:
                self._senders.signing_keys.confirm(envelope)

    async def _with_key(
        self,
        sender: Sender,
        headers: dict[str, str],
        content: bytes,
        now: datetime,
        shown: Shown,
    ) -> Declined | None:
        """The verdict once more, now that the key that SNS signed with is fetched, if it can be."""
        envelope = envelope_of(content)
        if envelope is None or not await self._senders.signing_keys.learn(envelope.SigningCertURL):
            return UNCHECKED_SIGNATURE
        return admitted(sender, headers, content, now, shown)

    async def _commit(self, webhook: Webhook, shown: Shown) -> tuple[Webhook, Answer]:
        webhook.shown = shown
        webhook.rejected_body_bytes = self._settings.rejected_body_bytes
        webhook.body_limit = self.bodies.limit
        if webhook.sender.source.has_leases:
            self.sender_clocks.look(webhook)
        pings = webhook.pings
        spool = self._lanes.spool
        if pings and not (spool and spool.is_holding) and not await self.ping(webhook):
            return webhook, final(webhook, await self._lanes.set_aside(webhook))
        answer = await self._lanes.submit(webhook)
        # Read again meanwhile, by a heartbeat that was bound a moment ago.
        if webhook.pings is not pings and webhook.pings and not await self.ping(webhook):
            return webhook, UNAVAILABLE
        return webhook, final(webhook, answer)

    async def ping(self, webhook: Webhook) -> bool:
        """Whether the heartbeats that its signals ping have that on record. What is for none (it was
        deleted at this moment, or would be one too many) is no reason to ask for it again."""
        answers = await asyncio.gather(*(self._pings.submit(each) for each in webhook.pings))
        if PingRefusal.UNKNOWN in answers:
            say_ping_for_nobody(webhook.sender.id, webhook.sender.entry.name)
        return not {PingRefusal.UNAVAILABLE, PingRefusal.OVERLOADED, PingRefusal.FAULT} & {*answers}

    async def _refuse(
        self,
        sender: Sender,
        headers: dict[str, str],
        content: bytes,
        now: datetime,
        shown: Shown,
        refusal: Declined,
    ) -> tuple[Webhook | None, Answer]:
        """Put it on record, if few enough come; only then is its body looked at.
        A configuration that has changed meanwhile may let it in."""
        if not self._rejections.admits(sender.id):
            metrics.UNRECORDED.inc()
            return None, refusal
        keep = self._settings.rejected_body_bytes
        webhook = read_refused(sender, headers, content, now, refusal, keep)
        return await self._commit(webhook, shown)

    async def refuse_too_large(
        self, sender: Sender | Declined, headers: dict[str, str], limit: int | None = None
    ) -> Declined:
        """Of a known integration it is put on record, although nobody read it. `limit`: its own, where
        it has one."""
        declined = self.bodies.too_large if limit is None else too_large(limit)
        if isinstance(sender, Sender) and self._rejections.admits(sender.id):
            webhook = read_refused(sender, headers, b"", utc_now(), declined, 0)
            webhook.is_final = True
            await self._lanes.submit(webhook)
        return declined

    async def sender(self, identifier: str) -> Sender | Declined:
        """Who a path names by the id of an integration."""
        try:
            integration_id = uuid_of(identifier)
        except ValueError:
            return UNKNOWN
        sender = self._senders.current.get(integration_id)
        if sender is not None:
            return sender
        # Made on another node a moment ago, perhaps. Whoever guesses ids asks the database at most
        # once a second for each.
        now = time.monotonic()
        if now - self._unknown.get(integration_id, -10.0) < 1.0:
            return UNKNOWN
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await self._senders.find(integration_id)
        except Exception as error:
            if not is_away(error):
                raise
            return UNAVAILABLE
        if found is None:
            if len(self._unknown) > 10_000:
                self._unknown.clear()
            self._unknown[integration_id] = now
            return UNKNOWN
        return found

    def count(
        self, sender: Sender, webhook: Webhook | None, answer: Answer, started: float
    ) -> None:
        """For `/metrics`, and for traces. `started`: when its last byte was read, by `perf_counter`."""
        seconds = time.perf_counter() - started
        metrics.LATENCY.observe(seconds)
        if self._tracer is not None and webhook is not None:
            trace_webhook(self._tracer, webhook, answer, seconds)
        key = (sender.source.type, answer.status_code)
        counter = self._counters.get(key)
        if counter is None:
            counter = metrics.WEBHOOKS.labels(sender.source.type, str(answer.status_code))
            self._counters[key] = counter
        counter.inc()


def final(webhook: Webhook, answer: Answer) -> Answer:
    """What its sender is answered: it is refused, whether or not that can be written down now."""
    if isinstance(webhook.settled, Declined) and answer in (OVERLOADED, UNAVAILABLE):
        return webhook.settled
    return answer


def headers_of(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names in lower case; several of one name are joined."""
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1"), value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _declares_more(headers: dict[str, str], limit: int) -> bool:
    length = headers.get("content-length", "")
    return length.isdecimal() and int(length[:20]) > limit
