"""`POST /webhooks/{integration_id}[/{secret}]`, as a plain ASGI application: this is the hot path.

Size limit, look-up, then `pipeline` (verify, parse, normalise), `batcher` (deduplicate, correlate,
plan, commit), and the answer, always JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter, Histogram

from tocsin.alerts.directory import Configuration, IntegrationEntry
from tocsin.ingest import metrics
from tocsin.ingest.batcher import FAULT, OVERLOADED, PATIENCE_SECONDS, UNAVAILABLE, Batcher
from tocsin.ingest.body import TOO_LARGE, Body, Budget, Disconnected
from tocsin.ingest.deadlines import Deadlines
from tocsin.ingest.rate_limit import Throttle
from tocsin.ingest.understand import understand
from tocsin.ingest.webhook import Accepted, Answer, Declined, Webhook
from tocsin.model import Fault, utc_now
from tocsin.problems import MEDIA_TYPE, problem_body
from tocsin.settings import Settings
from tocsin.store.failures import is_away

log = structlog.get_logger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/webhooks/"
RETRY_AFTER_SECONDS = b"2"
RECORDED_REJECTIONS_PER_SECOND = 50.0
"""Per integration and process; what comes faster is refused and counted, not written down."""

UNKNOWN = Declined(
    "integration-not-found", 404, "There is no integration at this address.", "rejected"
)
NOT_POST = Declined("method-not-allowed", 405, "Webhooks are sent with POST.", "rejected")
TOO_SLOW = Declined("request-timeout", 408, "The body did not arrive in time.", "rejected")
LIMITED = Declined(
    "rate-limited", 503, "This integration sends more than it may; send this again.", "failed"
)

_CLOSE = ((b"connection", b"close"),)
_IS_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}").fullmatch
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", MEDIA_TYPE.encode())
_uuid = lru_cache(4096)(UUID)
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Endpoint:
    configuration: Configuration
    batcher: Batcher
    settings: Settings
    _rejections: Throttle = field(default_factory=lambda: Throttle(RECORDED_REJECTIONS_PER_SECOND))
    _limit: Throttle | None = None
    _budget: Budget = field(default_factory=lambda: Budget(0))
    _deadlines: Deadlines = field(default_factory=lambda: Deadlines(0))
    _unknown: dict[UUID, float] = field(default_factory=dict)
    _counters: dict[tuple[str, int], Counter] = field(default_factory=dict)
    _latency: Histogram = metrics.LATENCY

    def __post_init__(self) -> None:
        self._budget.limit = self.settings.ingest_body_bytes
        self._deadlines.seconds = self.settings.body_timeout_seconds
        if self.settings.rate_limit_per_second is not None:
            self._limit = Throttle(self.settings.rate_limit_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        identifier, _, secret = path[len(PREFIX) :].partition("/")
        try:
            await self._admit(scope, receive, send, identifier, secret)
        except Exception as error:
            log.error("ingest.fault", error=type(error).__name__, exc_info=error)
            metrics.FAULTS.inc()
            # The server below refuses a second answer, where the first was under way.
            with contextlib.suppress(RuntimeError):
                await self._decline(send, identifier, FAULT)

    async def _admit(
        self, scope: Scope, receive: Receive, send: Send, identifier: str, secret: str
    ) -> None:
        if scope["method"] != "POST":
            await self._decline(send, identifier, NOT_POST, ((b"allow", b"POST"),))
            return
        headers = _headers(scope["headers"])
        limit = self.settings.max_body_bytes
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > limit:
            await self._too_large(send, identifier, headers)
            return
        entry = await self._entry(identifier)
        if isinstance(entry, Declined):
            await self._decline(send, identifier, entry)
            return
        await self._take(entry, headers, secret or None, identifier, receive, send)

    async def _take(
        self,
        entry: IntegrationEntry,
        headers: dict[str, str],
        secret: str | None,
        identifier: str,
        receive: Receive,
        send: Send,
    ) -> None:
        body = Body(self.settings.max_body_bytes, self._budget)
        try:
            content = await self._read(body, receive)
            if isinstance(content, Declined):
                if content is TOO_LARGE:
                    await self._too_large(send, identifier, headers)
                else:
                    await self._decline(send, identifier, content, _CLOSE)
                return
            started = time.perf_counter()
            webhook, answer = await self._process(entry, headers, content, secret)
        except Disconnected:
            return
        finally:
            body.release()
        self._count(entry, answer, started)
        if isinstance(answer, Accepted):
            await _respond(send, answer.status_code, _JSON, _accepted(webhook, answer))
        else:
            await self._decline(send, identifier, answer)

    async def _read(self, body: Body, receive: Receive) -> bytes | Declined:
        try:
            return await self._deadlines.keep(partial(body.read, receive))
        except TimeoutError:
            return TOO_SLOW

    async def _process(
        self, entry: IntegrationEntry, headers: dict[str, str], body: bytes, secret: str | None
    ) -> tuple[Webhook, Answer]:
        webhook = understand(
            entry,
            headers,
            body,
            utc_now(),
            path_secret=secret,
            rejected_body_bytes=self.settings.rejected_body_bytes,
        )
        settled = webhook.settled
        if isinstance(settled, Declined) and settled.outcome == "rejected":
            if not self._rejections.admits(entry.id):
                metrics.UNRECORDED.inc()
                return webhook, settled
        elif self._limit is not None and not self._limit.admits(entry.id):
            metrics.REFUSED.labels("rate").inc()
            return webhook, LIMITED
        answer = await self.batcher.submit(webhook)
        if isinstance(settled, Declined) and answer in (OVERLOADED, UNAVAILABLE):
            # Refused it is, whether or not that can be written down now.
            return webhook, settled
        return webhook, answer

    async def _entry(self, identifier: str) -> IntegrationEntry | Declined:
        try:
            integration_id = _uuid(identifier)
        except ValueError:
            return UNKNOWN
        entry = self.configuration.snapshot.integrations.get(integration_id)
        if entry is not None:
            return entry
        # Made on another node a moment ago, perhaps. Whoever guesses ids asks the database at most
        # once a second for each.
        now = time.monotonic()
        if now - self._unknown.get(integration_id, -10.0) < 1.0:
            return UNKNOWN
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await self.configuration.find(integration_id)
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

    async def _too_large(self, send: Send, identifier: str, headers: dict[str, str]) -> None:
        limit = self.settings.max_body_bytes
        declined = Declined(
            "payload-too-large", 413, f"The body is larger than {limit} bytes.", "rejected"
        )
        entry = await self._entry(identifier)
        if isinstance(entry, IntegrationEntry) and self._rejections.admits(entry.id):
            webhook = understand(entry, headers, b"", utc_now(), rejected_body_bytes=0)
            webhook.signals, webhook.settled = [], declined
            await self.batcher.submit(webhook)
        await self._decline(send, identifier, declined, _CLOSE)

    async def _decline(
        self,
        send: Send,
        identifier: str,
        declined: Declined,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        if declined.status_code == 503:
            headers = (*headers, (b"retry-after", RETRY_AFTER_SECONDS))
        elif declined.status_code == 401:
            headers = (*headers, (b"www-authenticate", b'Webhook realm="tocsin"'))
        # The path may hold a secret, so nothing but an integration's id is named.
        body = problem_body(
            declined.problem,
            declined.detail,
            f"{PREFIX}{identifier if _IS_ID(identifier) else ''}",
            [Fault(**fault) for fault in declined.faults],
        )
        await _respond(send, declined.status_code, _PROBLEM, body, headers)

    def _count(self, entry: IntegrationEntry, answer: Answer, started: float) -> None:
        self._latency.observe(time.perf_counter() - started)
        key = (entry.source.type, answer.status_code)
        counter = self._counters.get(key)
        if counter is None:
            counter = metrics.WEBHOOKS.labels(entry.source.type, str(answer.status_code))
            self._counters[key] = counter
        counter.inc()


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in raw:
        name, value = name_bytes.decode("latin-1"), value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _text(id_bytes: bytes) -> str:
    digits = id_bytes.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _accepted(webhook: Webhook, answer: Accepted) -> bytes:
    alert_id = answer.alert_id
    return _encode(
        {
            "delivery_id": _text(webhook.id),
            "status": answer.status.value,
            "alert_id": None if alert_id is None else _text(alert_id),
            "alerts": [
                {"alert_id": _text(alert), "status": status.value}
                for alert, status in answer.alerts
            ],
        }
    )


async def _respond(
    send: Send,
    status: int,
    content_type: tuple[bytes, bytes],
    body: bytes,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [content_type, (b"content-length", b"%d" % len(body)), *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


__all__ = ["FAULT", "PREFIX", "Endpoint"]
