"""Requests to other products' APIs, as a plain ASGI application beside that of webhooks, whose limits,
throttles and commit it shares."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import msgspec
import structlog

from tocsin.access.api_keys import Principal, authenticate
from tocsin.alerts.actions import Actions
from tocsin.alerts.on_call_book import OnCallBook
from tocsin.heartbeats.pings import IncomingPing, PingAnswer, Pings
from tocsin.ingest import metrics
from tocsin.ingest.body import Body, Disconnected, Receive
from tocsin.ingest.endpoint import Endpoint, Scope, headers_of
from tocsin.ingest.inbound.base import Heartbeats, Product, Request, Silences
from tocsin.ingest.inbound.registry import PRODUCTS
from tocsin.ingest.proof.verify import MISSING, Refused, verify_token
from tocsin.ingest.received_webhook import Answer, Declined, Shown, Webhook
from tocsin.ingest.refusals import FAULT, UNAVAILABLE
from tocsin.ingest.replies import Reply, Send
from tocsin.ingest.senders import Sender, Senders
from tocsin.ingest.unpack import is_packed, unpack
from tocsin.model import Secret, utc_now
from tocsin.routing.rules import RoutingTable
from tocsin.store.database import Engine, reading
from tocsin.store.failures import is_away

log = structlog.get_logger(__name__)

_encode = msgspec.json.Encoder().encode
_READ = ("GET", "HEAD", "OPTIONS", "DELETE")


def product_of(path: str) -> Product | None:
    """Whose address it is."""
    for product in PRODUCTS:
        if product.serves(path):
            return product
    return None


class InboundEndpoint:
    """One per process; the `Door` of every product."""

    def __init__(
        self,
        webhooks: Endpoint,
        senders: Senders,
        engine: Engine,
        silences: Silences,
        heartbeats: Heartbeats,
        actions: Actions,
        pings: Pings,
    ) -> None:
        self._pings = pings
        self._silences = silences
        self._heartbeats = heartbeats
        self._actions = actions
        self._webhooks = webhooks
        self._senders = senders
        self._engine = engine

    @property
    def engine(self) -> Engine:
        return self._engine

    @property
    def actions(self) -> Actions:
        return self._actions

    @property
    def silences(self) -> Silences:
        return self._silences

    @property
    def heartbeats(self) -> Heartbeats:
        return self._heartbeats

    async def ping(self, incoming: IncomingPing) -> PingAnswer:
        return await self._pings.submit(incoming)

    async def routing(self, workspace_id: UUID) -> RoutingTable:
        directory = await self._senders.feed.look()
        return directory.routing.get(workspace_id) or RoutingTable(workspace_id)

    async def on_call(self, workspace_id: UUID) -> OnCallBook:
        directory = await self._senders.feed.look()
        return directory.on_call.get(workspace_id) or OnCallBook()

    async def principal(self, key: Secret, at: datetime) -> Principal | None:
        async with reading(self._engine) as session:
            return await authenticate(session, key, at)

    async def sender(self, identifier: str) -> Sender | Declined:
        return await self._webhooks.sender(identifier)

    async def holder(self, source_type: str, key: Secret | None) -> Sender | None:
        if key is None:
            return None
        return await self._senders.find_holder(source_type, key)

    def proves(self, sender: Sender, key: Secret | None, at: datetime) -> Refused | None:
        if key is None or sender.profile is None or not sender.is_active:
            return MISSING
        verdict = verify_token(sender.profile, key.reveal(), at)
        if isinstance(verdict, Refused):
            return verdict
        sender.note_proof(verdict, at)
        return None

    async def take(
        self, request: Request, sender: Sender, shown: Shown, document: Any = None
    ) -> tuple[Webhook | None, Answer]:
        content = request.body if document is None else _encode(document)
        return await self._webhooks.take(sender, request.headers, content, shown)

    async def __call__(self, product: Product, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to an address of `product`."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        client = scope.get("client")
        request = Request(
            method=scope["method"],
            path=unquote(raw.decode("latin-1"), errors="replace"),
            raw_path=raw.decode("latin-1"),
            query_string=scope.get("query_string", b"").decode("latin-1"),
            headers=headers_of(scope["headers"]),
            body=b"",
            received_at=utc_now(),
            client=client[0] if client else "",
        )
        bodies = self._webhooks.bodies
        body = Body(bodies)
        try:
            content = b"" if request.method in _READ else await bodies.read(body, receive)
            reply = await self._reply(product, request, content)
        except Disconnected:
            return
        except Exception as error:
            reply = product.failed(request, _what_failed(product, error))
        finally:
            body.release()
        if request.method == "HEAD":
            reply = Reply(reply.status, reply.headers, b"")
        await reply.send(send)

    async def _reply(self, product: Product, request: Request, content: bytes | Declined) -> Reply:
        if isinstance(content, bytes) and content:
            content = unpack(content, request.headers, self._webhooks.bodies.limit)
        if isinstance(content, Declined):
            return product.failed(request, content)
        request.body = content
        if is_packed(request.headers):
            # What is parsed, and kept, is no longer packed.
            del request.headers["content-encoding"]
        return await product.reply(request, self)


def _what_failed(product: Product, error: Exception) -> Declined:
    if is_away(error):
        return UNAVAILABLE
    log.error(
        "failed to answer a request to another product's API",
        product=product.name,
        error=type(error).__name__,
        exc_info=error,
    )
    metrics.FAULTS.inc()
    return FAULT
