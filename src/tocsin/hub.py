"""One process of Tocsin: its parts, from settings to running tasks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
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
from tocsin.delivery.channels.base import Parts
from tocsin.delivery.channels.kit.web_push import VapidKey
from tocsin.delivery.channels.registry import build_channels
from tocsin.delivery.dispatch.dispatcher import Dispatcher
from tocsin.delivery.dispatch.lasting import LastingDispatcher
from tocsin.delivery.dispatch.message_links import DeliveryLinks
from tocsin.delivery.dispatch.ringing import Ringing
from tocsin.delivery.outbound import AddressPolicy, Answer, Outbound
from tocsin.heartbeats.pings import Pings
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.senders import Senders
from tocsin.ingest.spool.spooling import Spooling
from tocsin.model import Secret
from tocsin.resources.openid_provider import OpenIdClient
from tocsin.resources.web_push_key import web_push_key
from tocsin.rounds import background
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
from tocsin.timers.outgoing_heartbeat import OutgoingHeartbeat, Progress
from tocsin.timers.retention import keep_retention
from tocsin.timers.schedule_notices import keep_schedule_notices
from tocsin.tracing import Tracer, Tracing, begin_tracing

log = structlog.get_logger(__name__)

STATEMENT_SECONDS = 12
"""For one question of the API or a page to the database."""
LOCK_SECONDS = 5
"""Of those, waiting for somebody else's change."""


ASKING_SECONDS = 5.0
"""For a certificate of SNS, which waits 15 s for our answer; or for Slack to take ours."""

RETURN_SECONDS = 1.0
"""Between two looks for a database that was away at the start."""

CALL_SECONDS = 10.0
"""For one call to the system that watches this one."""


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
    spooling: Spooling | None
    tracing: Tracing | None
    prepare: Callable[[], object] | None
    """Brings the database to what this program expects, once it can be reached; None: it is so."""

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
        *,
        prepare: Callable[[], object] | None = None,
        is_command: bool = False,
    ) -> Hub:
        """`url` is that of the database; `keys` those that secrets are sealed with, newest first. The
        spool is a server's: `is_command` leaves it alone."""
        engine = create_engine(url, statement_seconds=STATEMENT_SECONDS, lock_seconds=LOCK_SECONDS)
        vault = Vault(keys)
        feed = DirectoryFeed(create_engine(url, pool_size=2))
        senders = Senders(feed, vault)
        tracing = begin_tracing(settings)
        pings = Pings(url, queue_limit=settings.ingest_queue_limit)
        spooling = None
        if role is not ProcessRole.DISPATCH and not is_command and Spooling.is_needed(settings):
            spooling = Spooling.of(settings, url, vault, senders, pings)
        lanes = Lanes(
            url,
            senders,
            queue_limit=settings.ingest_queue_limit,
            keep_rejected=settings.rejected_keep,
            body_bytes=settings.ingest_body_bytes,
            tracer=None if tracing is None else tracing.tracer,
            spool=None if spooling is None else spooling.spool,
        )
        actions = Actions(url, feed)
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
            spooling,
            tracing,
            prepare,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load the configuration and run until the end; then drain what has been taken. Where the
        database is away, webhooks are taken, and all else begins when it is back."""
        async with contextlib.AsyncExitStack() as stack:
            if self.tracing is not None:
                stack.push_async_callback(asyncio.to_thread, self.tracing.close)
            stack.push_async_callback(self.engine.dispose)
            stack.push_async_callback(self.senders.feed.engine.dispose)
            stack.push_async_callback(self.actions.close)
            if self.spooling is not None:
                stack.enter_context(self.spooling.opened())
                await stack.enter_async_context(self.spooling.keeping_configuration())
            if self.prepare is None or self.spooling is None:
                await self.senders.feed.refresh()
                await self._begin(stack)
                await stack.enter_async_context(self._committing())
                yield
                return
            self.spooling.begin_without_database()
            await stack.enter_async_context(self._committing())
            async with background(self._begin_when_back(self.prepare, stack), "beginning"):
                yield

    async def _begin_when_back(
        self, prepare: Callable[[], object], stack: contextlib.AsyncExitStack
    ) -> None:
        while True:
            try:
                await asyncio.to_thread(prepare)
                await self.senders.feed.refresh()
                break
            except Exception as error:
                log.info("the database is not back yet", error=type(error).__name__)
                await asyncio.sleep(RETURN_SECONDS)
        await self._begin(stack)

    async def _begin(self, stack: contextlib.AsyncExitStack) -> None:
        """Whatever needs the database, except what commits webhooks."""
        await stack.enter_async_context(
            background(self.senders.feed.follow(self.url), "configuration")
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
        await stack.enter_async_context(background(clock.run(), "clock"))
        await stack.enter_async_context(
            background(watch_escalations(self.url), "escalation watchdog")
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
                background(self.senders.token_uses.keep_writing(self.engine), "token uses")
            )
            await stack.enter_async_context(self._taking_pings())
            parts["ingest"] = self.lanes.makes_progress
        if self.spooling is not None:
            await stack.enter_async_context(self.spooling.running())
        if self.settings.heartbeat_url is not None:
            await stack.enter_async_context(self._calling(self.settings.heartbeat_url, parts))

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

            heartbeat = OutgoingHeartbeat(call, parts, self.settings.heartbeat_interval_seconds)
            async with background(heartbeat.run(), "outgoing heartbeat"):
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
    async def _dispatching(self) -> AsyncIterator[LastingDispatcher]:
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
            dispatcher = LastingDispatcher(
                lambda: Dispatcher(
                    self.url,
                    channels=channels,
                    vault=self.vault,
                    links=DeliveryLinks(LinkSigner(self.keys), self.settings.base_url),
                    codes=ContactCodes(self.keys),
                    tracer=self.tracer,
                )
            )
            task = asyncio.create_task(dispatcher.run(), name="dispatcher")
            ringing = Ringing(self.url, channels, self.vault)
            try:
                async with background(ringing.run(), "ringing"):
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
            log.error("the key for Web Push cannot be decrypted", error=str(error))
            return None
