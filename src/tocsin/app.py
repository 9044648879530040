"""The composition root: everything one process is made of, and the ASGI application around it.

/webhooks/…   ingest/endpoint.py      the hot path, plain ASGI
/ping/…       ingest/inbound/         pings of heartbeats, in this and other products' forms
/api/v1/…     api/                    FastAPI
/v2/…, …      ingest/inbound/         other products' APIs
SMTP          ingest/inbound/mail/    mail, where it is taken
/a/…          console/act_page.py     acknowledge and resolve from a message
/callbacks/…  callbacks/              replies, keys and buttons that services pass on
/calendars/…  console/calendars.py    shifts, for calendars
/problems/…   api/problem_pages.py    what each error means
/, /alerts, … console/site.py         the pages for people
/healthz, /readyz, /metrics           health.py
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog

from tocsin.access.contact_codes import ContactCodes
from tocsin.access.links import LinkSigner
from tocsin.access.vault import Vault, VaultError
from tocsin.alerts.actions import Actions
from tocsin.alerts.directory import DirectoryFeed
from tocsin.api.assembly import create_api
from tocsin.api.context import ApiContext
from tocsin.api.problem_pages import create_problem_pages
from tocsin.callbacks.application import create_callbacks
from tocsin.console.act_page import create_act_page
from tocsin.console.calendars import create_calendars
from tocsin.console.context import ConsoleContext
from tocsin.console.linked_alert_page import create_alert_page, is_linked_alert
from tocsin.console.site import create_console, is_page, wants_page
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit.mail import FromAddress
from tocsin.delivery.channels.kit.web_push import VapidKey
from tocsin.delivery.channels.registry import build_channels
from tocsin.delivery.dispatch.dispatcher import Dispatcher
from tocsin.delivery.dispatch.message_links import DeliveryLinks
from tocsin.delivery.dispatch.ringing import Ringing
from tocsin.delivery.outbound import AddressPolicy, Answer, Outbound
from tocsin.heartbeats.pings import Pings
from tocsin.ingest.body import Receive
from tocsin.ingest.endpoint import Endpoint, Scope
from tocsin.ingest.inbound.endpoint import InboundEndpoint, product_of
from tocsin.ingest.inbound.mail.listener import Certificate, MailListener
from tocsin.ingest.inbound.mail.taking import MailTaker
from tocsin.ingest.inbound.ping_endpoint import PingEndpoint
from tocsin.ingest.inbound.ping_forms import form_of
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.replies import PREFIX, Send
from tocsin.ingest.senders import Senders
from tocsin.ingest.short_road import ShortRoad
from tocsin.model import Secret
from tocsin.problems import MEDIA_TYPE, problem_body
from tocsin.resources import calendar_feeds
from tocsin.resources.heartbeat_book import HeartbeatBook
from tocsin.resources.openid_provider import OpenIdClient
from tocsin.resources.silence_book import SilenceBook
from tocsin.resources.web_push_key import web_push_key
from tocsin.settings import Settings
from tocsin.store.database import Engine, can_write, create_engine, reading
from tocsin.store.queries.earlier_messages import earlier_progress
from tocsin.timers.alert_leases import end_leases
from tocsin.timers.alert_search import keep_alert_search
from tocsin.timers.bulk_actions import keep_bulk_actions
from tocsin.timers.clock import Clock
from tocsin.timers.escalation_watchdog import watch_escalations
from tocsin.timers.groups import Groups
from tocsin.timers.heartbeats import keep_heartbeats
from tocsin.timers.outward_heartbeat import OutwardHeartbeat, Progress
from tocsin.timers.retention import keep_retention
from tocsin.timers.schedule_notices import keep_schedule_notices
from tocsin.tracing import Tracer, Tracing, begin_tracing
from tocsin.web import health

log = structlog.get_logger(__name__)

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

STATEMENT_SECONDS = 12
"""For one question of the API or a page to the database."""
LOCK_SECONDS = 5
"""Of those, waiting for somebody else's change."""


ASKING_SECONDS = 5.0
"""For a certificate of SNS, which waits 15 s for our answer; or for Slack to take ours."""

CALL_SECONDS = 10.0
"""For one call to the system that watches this one."""

SWITCH_SECONDS = 0.000_5
"""So long at most the event loop waits for work in a thread, after each of its own waits. Python's 5 ms
make a webhook that is answered in 1 ms take 20 beside a thread that never waits for anything."""


class ProcessRole(StrEnum):
    """What a process does: `web` takes webhooks and the API, `dispatch` delivers."""

    ALL = "all"
    WEB = "web"
    DISPATCH = "dispatch"


@dataclass
class Hub:
    """One process of Tocsin, from settings to running tasks."""

    settings: Settings
    url: str
    keys: tuple[Secret, ...]
    role: ProcessRole
    engine: Engine
    vault: Vault
    senders: Senders
    lanes: Lanes
    actions: Actions
    pings: Pings
    asking: Outbound
    """What others are asked while somebody waits for our answer."""
    openid: OpenIdClient | None
    tracing: Tracing | None

    @property
    def tracer(self) -> Tracer | None:
        return None if self.tracing is None else self.tracing.tracer

    @classmethod
    def build(
        cls,
        settings: Settings,
        url: str,
        keys: tuple[Secret, ...],
        role: ProcessRole = ProcessRole.ALL,
    ) -> Hub:
        """`url` is that of the database; `keys` those that secrets are sealed with, newest first."""
        engine = create_engine(url, statement_seconds=STATEMENT_SECONDS, lock_seconds=LOCK_SECONDS)
        vault = Vault(keys)
        feed = DirectoryFeed(create_engine(url, pool_size=2))
        senders = Senders(feed, vault)
        tracing = begin_tracing(settings)
        lanes = Lanes(
            url,
            senders,
            queue_limit=settings.ingest_queue_limit,
            keep_rejected=settings.rejected_keep,
            body_bytes=settings.ingest_body_bytes,
            tracer=None if tracing is None else tracing.tracer,
        )
        actions = Actions(url, feed)
        pings = Pings(url, queue_limit=settings.ingest_queue_limit)
        asking = Outbound(AddressPolicy.of(settings.outbound_allow), timeout=ASKING_SECONDS)
        openid = None
        if (provider := settings.openid) is not None:
            openid = OpenIdClient(provider, settings.base_url, settings.outbound_allow)
        return cls(
            settings,
            url,
            keys,
            role,
            engine,
            vault,
            senders,
            lanes,
            actions,
            pings,
            asking,
            openid,
            tracing,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load the configuration and run until the end; then drain what has been taken."""
        await self.senders.feed.refresh()
        async with contextlib.AsyncExitStack() as stack:
            if self.tracing is not None:
                stack.push_async_callback(asyncio.to_thread, self.tracing.close)
            stack.push_async_callback(self.engine.dispose)
            stack.push_async_callback(self.senders.feed.engine.dispose)
            stack.push_async_callback(self.actions.close)
            await stack.enter_async_context(
                _background(self.senders.feed.follow(self.url), "configuration")
            )
            clock = Clock(
                self.url,
                self.senders.feed,
                beside=[
                    lambda: keep_retention(self.url, self.settings.retention),
                    lambda: keep_alert_search(self.url),
                    lambda: end_leases(self.url, self.senders.feed),
                    lambda: keep_heartbeats(self.url, self.senders.feed),
                    lambda: Groups(self.url, self.senders.feed).run(),
                    lambda: keep_schedule_notices(self.url, self.senders.feed),
                    lambda: keep_bulk_actions(self.url, self.senders.feed),
                ],
            )
            await stack.enter_async_context(_background(clock.run(), "clock"))
            await stack.enter_async_context(
                _background(watch_escalations(self.url), "escalation watchdog")
            )
            parts: dict[str, Progress] = {"database": self._writes, "clock": clock.makes_progress}
            if self.role is not ProcessRole.WEB:
                dispatcher = await stack.enter_async_context(self._dispatching())
                parts["delivery"] = dispatcher.makes_progress
            if self.role is not ProcessRole.DISPATCH:
                await stack.enter_async_context(self._learning_keys())
                if self.openid is not None:
                    await stack.enter_async_context(self.openid.running())
                await stack.enter_async_context(
                    _background(self.senders.token_uses.keep_writing(self.engine), "token uses")
                )
                await stack.enter_async_context(self._taking_pings())
                parts["ingest"] = self.lanes.makes_progress
            await stack.enter_async_context(self._committing())
            if self.settings.heartbeat_url is not None:
                await stack.enter_async_context(self._calling(self.settings.heartbeat_url, parts))
            yield

    async def _writes(self, within_seconds: float) -> bool:
        return await can_write(self.engine, within_seconds=within_seconds)

    @contextlib.asynccontextmanager
    async def _calling(self, url: Secret, parts: Mapping[str, Progress]) -> AsyncIterator[None]:
        """The system that watches this one."""
        policy = AddressPolicy.of(self.settings.outbound_allow)
        async with Outbound(policy, timeout=CALL_SECONDS) as outbound:

            async def call() -> str | None:
                answer = await outbound.get(url.reveal_text())
                if isinstance(answer, Answer):
                    return None if 200 <= answer.status < 300 else f"answered {answer.status}"
                return answer.message

            heartbeat = OutwardHeartbeat(call, parts, self.settings.heartbeat_interval_seconds)
            async with _background(heartbeat.run(), "outward heartbeat"):
                yield

    @contextlib.asynccontextmanager
    async def _learning_keys(self) -> AsyncIterator[None]:
        """What SNS signs with is fetched by the same guarded way out as messages take."""
        async with self.asking as outbound:

            async def fetch(url: str) -> bytes | None:
                answer = await outbound.get(url)
                if isinstance(answer, Answer) and answer.status == 200 and answer.complete:
                    return answer.body
                return None

            self.senders.signing_keys.use(fetch)
            yield

    @contextlib.asynccontextmanager
    async def _committing(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.lanes.run(), name="committing")
        try:
            yield
        finally:
            self.lanes.close()
            await task

    @contextlib.asynccontextmanager
    async def _taking_pings(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.pings.run(), name="pings")
        try:
            yield
        finally:
            self.pings.close()
            await task

    @contextlib.asynccontextmanager
    async def _dispatching(self) -> AsyncIterator[Dispatcher]:
        policy = AddressPolicy.of(self.settings.outbound_allow)
        async with Outbound(policy, timeout=self.settings.deliver_timeout_seconds) as outbound:
            channels = build_channels(
                Parts(
                    outbound,
                    smtp=self.settings.smtp,
                    mail_from=self.settings.mail_from,
                    public_url=self.settings.base_url,
                    callbacks=self.settings.public_url,
                    twilio=self.settings.twilio,
                    vapid=self._web_push_key,
                    earlier=self._earlier,
                )
            )
            dispatcher = Dispatcher(
                self.url,
                channels=channels,
                vault=self.vault,
                links=DeliveryLinks(LinkSigner(self.keys), self.settings.base_url),
                codes=ContactCodes(self.keys),
                tracer=self.tracer,
            )
            task = asyncio.create_task(dispatcher.run(), name="dispatcher")
            ringing = Ringing(self.url, channels, self.vault)
            try:
                async with _background(ringing.run(), "ringing"):
                    yield dispatcher
            finally:
                dispatcher.stop()
                await task

    async def _earlier(self, delivery_id: UUID) -> Mapping[str, Any] | None:
        async with reading(self.engine) as session:
            return await earlier_progress(session, delivery_id)

    async def _web_push_key(self) -> VapidKey | None:
        """None where it cannot be read; a stored secret that cannot is loud elsewhere, too."""
        try:
            return await web_push_key(self.engine, self.vault)
        except VaultError as error:
            log.error("web_push_key.unreadable", error=str(error))
            return None


@contextlib.asynccontextmanager
async def _background(work: Any, name: str) -> AsyncIterator[None]:
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def application(hub: Hub, mail_socket: socket.socket | None = None) -> Asgi:
    """The ASGI application of one process. A dispatcher answers for its health only. `mail_socket`:
    where mail is taken while it runs."""
    mounted: Mapping[str, Asgi] = {}
    webhooks: Endpoint | None = None
    inbound: InboundEndpoint | None = None
    pings: PingEndpoint | None = None
    console: Asgi | None = None
    linked_alert: Asgi | None = None
    if hub.role is not ProcessRole.DISPATCH:
        webhooks = Endpoint(hub.senders, hub.lanes, hub.pings, hub.settings, hub.tracer)
        inbound = InboundEndpoint(
            webhooks,
            hub.senders,
            hub.engine,
            SilenceBook(hub.engine),
            HeartbeatBook(hub.engine, hub.vault),
            hub.actions,
            hub.pings,
        )
        pings = PingEndpoint(hub.senders, hub.pings)
        linked_alert = create_alert_page(hub.engine, LinkSigner(hub.keys))
        console = create_console(
            ConsoleContext(
                engine=hub.engine,
                vault=hub.vault,
                codes=ContactCodes(hub.keys),
                settings=hub.settings,
                senders=hub.senders,
                lanes=hub.lanes,
                actions=hub.actions,
                openid=hub.openid,
            )
        )
        mounted = {
            "/api/v1": create_api(
                ApiContext(
                    engine=hub.engine,
                    vault=hub.vault,
                    settings=hub.settings,
                    senders=hub.senders,
                    lanes=hub.lanes,
                    actions=hub.actions,
                    codes=ContactCodes(hub.keys),
                )
            ),
            "/problems": create_problem_pages(),
            "/a": create_act_page(hub.engine, LinkSigner(hub.keys), hub.actions),
            calendar_feeds.PATH: create_calendars(hub.engine),
            "/callbacks": create_callbacks(
                hub.engine,
                hub.url,
                hub.vault,
                hub.settings,
                LinkSigner(hub.keys),
                hub.actions,
                hub.asking,
            ),
        }
    answers_health = health.create_health(hub.engine)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            if webhooks is not None:
                scope["state"]["at_once"] = ShortRoad(
                    webhooks, hub.senders, hub.lanes, hub.settings
                ).take
            await _lifespan(hub, _taking_mail(hub, webhooks, mail_socket), receive, send)
            return
        path: str = scope["path"]
        if webhooks is not None and path.startswith(PREFIX):
            await webhooks(scope, receive, send)
            return
        if pings is not None and (form := form_of(path)) is not None:
            await pings(form, scope, receive, send)
            return
        for prefix, mount in mounted.items():
            if path == prefix or path.startswith(prefix + "/"):
                root = scope.get("root_path", "") + prefix
                await mount({**scope, "root_path": root, "app_root_path": root}, receive, send)
                return
        if linked_alert is not None and is_linked_alert(scope):
            root = scope.get("root_path", "") + "/alerts"
            await linked_alert({**scope, "root_path": root, "app_root_path": root}, receive, send)
            return
        if console is not None and is_page(path):
            await console(scope, receive, send)
            return
        if inbound is not None and (product := product_of(path)) is not None:
            await inbound(product, scope, receive, send)
            return
        if path in health.PATHS:
            await answers_health(scope, receive, send)
            return
        if console is not None and wants_page(scope):
            await console(scope, receive, send)
            return
        await _not_found(scope, send)

    return app


async def _not_found(scope: Scope, send: Send) -> None:
    # Nothing more of the path: a mistyped webhook address may end in a secret.
    place = "/" + scope["path"].removeprefix("/").partition("/")[0][:36]
    body = problem_body("not-found", "There is nothing at this address.", place)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def _taking_mail(
    hub: Hub, webhooks: Endpoint | None, mail_socket: socket.socket | None
) -> AsyncIterator[None]:
    settings = hub.settings
    if webhooks is None or mail_socket is None or settings.mail_domain is None:
        yield
        return
    own = None if settings.mail_from is None else FromAddress.of(settings.mail_from).domain
    taker = MailTaker(webhooks, hub.senders, hub.engine, settings.mail_domain, own)
    certificate = None
    if settings.mail_tls_cert is not None:
        certificate = Certificate(settings.mail_tls_cert, settings.mail_tls_key)
    listener = MailListener(taker, mail_socket, settings.mail_max_bytes, certificate)
    await listener.start()
    try:
        yield
    finally:
        await listener.stop()


async def _lifespan(
    hub: Hub, mail: contextlib.AbstractAsyncContextManager[None], receive: Receive, send: Send
) -> None:
    await receive()
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(hub.running())
            # Ends first: what it has taken is committed still.
            await stack.enter_async_context(mail)
        except Exception as error:
            log.exception("start.failed")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        _settle_memory()
        sys.setswitchinterval(SWITCH_SECONDS)
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _settle_memory() -> None:
    """What start-up made stays for good: take it out of the garbage collector's rounds, and let
    those come rarely. At full load they cost a tenth of the throughput and tripled the p99."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
