"""The composition root: the ASGI application around the parts of one process, which `hub.py` holds.

/webhooks/…   ingest/endpoint.py      the hot path, plain ASGI
/ping/…       ingest/inbound/         pings of heartbeats, in this and other products' forms
/api/v1/…     api/                    FastAPI, and its reference for people (docs)
/v2/…, …      ingest/inbound/         other products' APIs
SMTP          ingest/inbound/mail/    mail, where it is taken
/a/…          console/alerts/         acknowledge and resolve from a message
/callbacks/…  callbacks/              replies, keys and buttons that services pass on
/calendars/…  console/on_call/        shifts, for calendars
/problems/…   api/problem_pages.py    what each error means
/, /alerts, … console/site.py         the pages for people
/healthz, /readyz, /metrics           web/health.py
"""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial

import structlog

from tocsin import memory
from tocsin.access.contact_codes import ContactCodes
from tocsin.access.links import LinkSigner
from tocsin.api.assembly import Api
from tocsin.api.context import ApiContext
from tocsin.api.problem_pages import create_problem_pages
from tocsin.api.reference_pages import PATH as API_DOCS
from tocsin.api.reference_pages import create_reference_pages
from tocsin.callbacks.application import create_callbacks
from tocsin.console.alerts.act_page import create_act_page
from tocsin.console.alerts.linked_alert_page import create_alert_page, is_linked_alert
from tocsin.console.context import ConsoleContext
from tocsin.console.on_call.calendars import create_calendars
from tocsin.console.site import create_console, is_page, wants_page
from tocsin.delivery.channels.kit.mail import FromAddress
from tocsin.hub import Hub, ProcessRole
from tocsin.ingest.body import Receive
from tocsin.ingest.endpoint import Endpoint, Scope
from tocsin.ingest.inbound.endpoint import InboundEndpoint, product_of
from tocsin.ingest.inbound.mail.listener import Certificate, MailListener
from tocsin.ingest.inbound.mail.taking import MailTaker
from tocsin.ingest.inbound.ping_endpoint import PingEndpoint
from tocsin.ingest.inbound.ping_forms import form_of
from tocsin.ingest.replies import PREFIX, Send
from tocsin.ingest.short_road import ShortRoad
from tocsin.problems import MEDIA_TYPE, problem_body
from tocsin.resources import calendar_feeds
from tocsin.resources.heartbeat_book import HeartbeatBook
from tocsin.resources.silence_book import SilenceBook
from tocsin.web import health

log = structlog.get_logger(__name__)

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

SWITCH_SECONDS = 0.000_5
"""So long at most the event loop waits for work in a thread, after each of its own waits. Python's 5 ms
make a webhook that is answered in 1 ms take 20 beside a thread that never waits for anything."""


class _Site:
    """What a process that takes webhooks serves, by address."""

    def __init__(self, hub: Hub) -> None:
        self.webhooks = Endpoint(hub.senders, hub.lanes, hub.pings, hub.settings, hub.tracer)
        self._inbound = InboundEndpoint(
            self.webhooks,
            hub.senders,
            hub.engine,
            SilenceBook(hub.engine),
            HeartbeatBook(hub.engine, hub.vault),
            hub.actions,
            hub.pings,
        )
        self._pings = PingEndpoint(hub.senders, hub.pings)
        linked_alert = create_alert_page(hub.engine, LinkSigner(hub.keys))
        self._linked_alert = _tidied(_below("/alerts", linked_alert))
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
        self.console = _tidied(console)
        api = Api(
            ApiContext(
                engine=hub.engine,
                vault=hub.vault,
                settings=hub.settings,
                senders=hub.senders,
                lanes=hub.lanes,
                actions=hub.actions,
                codes=ContactCodes(hub.keys),
            )
        )
        mounts: Mapping[str, Asgi] = {
            API_DOCS: create_reference_pages(api.openapi),
            "/api/v1": api,
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
        self._mounted = {prefix: _tidied(_below(prefix, mount)) for prefix, mount in mounts.items()}

    def at(self, scope: Scope) -> Asgi | None:
        """What answers at an address; None: nothing of these."""
        path: str = scope["path"]
        if path.startswith(PREFIX):
            return self.webhooks
        if (form := form_of(path)) is not None:
            return partial(self._pings, form)
        for prefix, mount in self._mounted.items():
            if path == prefix or path.startswith(prefix + "/"):
                return mount
        if is_linked_alert(scope):
            return self._linked_alert
        if is_page(path):
            return self.console
        if (product := product_of(path)) is not None:
            return partial(self._inbound, product)
        return None


def _below(prefix: str, mount: Asgi) -> Asgi:
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        root = scope.get("root_path", "") + prefix
        await mount({**scope, "root_path": root, "app_root_path": root}, receive, send)

    return mounted


def _tidied(answer: Asgi) -> Asgi:
    async def tidied(scope: Scope, receive: Receive, send: Send) -> None:
        await answer(scope, receive, send)
        memory.tidy()

    return tidied


def application(hub: Hub, mail_socket: socket.socket | None = None) -> Asgi:
    """The ASGI application of one process. A dispatcher answers for its health only. `mail_socket`:
    where mail is taken while it runs."""
    site = None if hub.role is ProcessRole.DISPATCH else _Site(hub)
    spool = None if hub.spooling is None else hub.spooling.spool
    answers_health = health.create_health(hub.engine, spool)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            webhooks = None if site is None else site.webhooks
            if webhooks is not None:
                scope["state"]["at_once"] = ShortRoad(
                    webhooks, hub.senders, hub.lanes, hub.settings
                ).take
            await _lifespan(hub, _taking_mail(hub, webhooks, mail_socket), receive, send)
            return
        answer = None if site is None else site.at(scope)
        if answer is None and scope["path"] in health.PATHS:
            answer = answers_health
        if answer is None and site is not None and wants_page(scope):
            answer = site.console
        await (answer or _not_found)(scope, receive, send)

    return app


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
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
            log.exception("cannot start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        memory.settle()
        sys.setswitchinterval(SWITCH_SECONDS)
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})
