"""The real commit path without a socket: configuration, batcher and actions over a real database,
in one event loop that runs while it is asked something, by a clock that a test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import structlog

from tests.support.workspace import KEY, Sender, Workspace
from tocsin.access.vault import Vault
from tocsin.alerts.actions import ActionOutcome, Actions
from tocsin.alerts.directory import DirectoryFeed
from tocsin.ingest.known_alerts import KnownAlerts
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.proof.sign import sign
from tocsin.ingest.received_webhook import Answer, Webhook
from tocsin.ingest.senders import Senders
from tocsin.ingest.spool.spool import Spool
from tocsin.ingest.understand import understand
from tocsin.model import Action, Actor, ActorKind
from tocsin.store.database import create_engine

T = TypeVar("T")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PERSON = Actor(ActorKind.USER, "Ada")


@dataclass(frozen=True)
class Posted:
    payload: dict[str, Any]
    key: str | None = None


class Harness:
    def __init__(
        self,
        url: str,
        *,
        queue_limit: int = 1_000,
        keep_rejected: int = 10,
        spool: Spool | None = None,
        known: KnownAlerts | None = None,
    ) -> None:
        self.workspace = Workspace(url)
        self.now = NOON
        self.runner = asyncio.Runner()
        self.feed = DirectoryFeed(create_engine(url, pool_size=2))
        self.senders = Senders(self.feed, Vault([KEY]))
        self.batcher = Lanes(
            url,
            self.senders,
            queue_limit=queue_limit,
            keep_rejected=keep_rejected,
            clock=lambda: self.now,
            spool=spool,
            known=known or KnownAlerts(),
        )
        self.actions = Actions(url, self.feed)
        self.task = self.run(self._start())

    async def _start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.batcher.run())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def close(self) -> None:
        async def end() -> None:
            self.batcher.close()
            await self.task
            await self.actions.close()
            await self.feed.engine.dispose()

        self.run(end())
        self.runner.close()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def webhook(self, sender: Sender, posted: Posted) -> Webhook:
        """Understood by the configuration that this harness knows, which may be an old one."""
        entry = self.run(self.senders.find(sender.id))
        assert entry is not None
        body = json.dumps(posted.payload).encode()
        signed = sign(sender.profile, body, self.now, delivery_id="msg_1")
        headers = {name.lower(): value for name, value in signed.items()}
        if posted.key is not None:
            headers["idempotency-key"] = posted.key
        return understand(entry, headers, body, self.now)

    def commit(self, webhooks: Sequence[Webhook]) -> list[Answer]:
        """All in one batch."""

        async def main() -> list[Answer]:
            return list(await asyncio.gather(*(self.batcher.submit(each) for each in webhooks)))

        return self.run(main())

    def post(self, sender: Sender, *posted: Posted | dict[str, Any]) -> list[Answer]:
        return self.commit(
            [
                self.webhook(sender, each if isinstance(each, Posted) else Posted(each))
                for each in posted
            ]
        )

    def act(
        self,
        alert_id: UUID,
        action: Action,
        until: datetime | None = None,
        actor: Actor = PERSON,
    ) -> ActionOutcome:
        return self.run(
            self.actions.act(self.workspace.id, alert_id, action, actor, self.now, until=until)
        )


@contextmanager
def harness(url: str, **options: Any) -> Iterator[Harness]:
    # By default a traceback is drawn in colours with all its variables, which takes seconds.
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()]
    )
    opened = Harness(url, **options)
    try:
        yield opened
    finally:
        opened.close()
        structlog.reset_defaults()
