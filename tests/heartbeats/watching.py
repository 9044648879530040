"""A hub with heartbeats, by a clock that a test moves: pings as they are committed, and the clock's
work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.ingest.harness import Harness, harness
from tocsin.heartbeats.beat import Ping, PingKind
from tocsin.heartbeats.pings import HeartbeatName, IncomingPing, PingAnswer, Pings
from tocsin.heartbeats.tokens import token_digest
from tocsin.model import uuid7
from tocsin.timers.heartbeats import HeartbeatWork

EVENTS = ["alerts.triggered", "alerts.resolved"]


class Watching:
    """One integration for heartbeats, and a rule that names a destination for everything."""

    def __init__(self, base: Harness, batch: int = 200) -> None:
        self.base = base
        base.now = datetime.now(UTC).replace(microsecond=0)
        self.workspace = base.workspace
        self.sender = self.workspace.sender("heartbeat", name="heartbeats")
        self.workspace.rule(event_types=EVENTS)
        self.batch = batch
        self.put_forward = timedelta(0)
        """So far was the clock of the wall put forward, or a machine slept: no other clock saw it."""
        self.work = self._work()
        self.pings = Pings(self.workspace.url, queue_limit=10_000)
        self.task = base.run(self._start())

    async def _start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.pings.run())

    def _work(self) -> HeartbeatWork:
        return HeartbeatWork(
            self.workspace.url,
            self.base.feed,
            batch=self.batch,
            steady=lambda: (self.now - self.put_forward).timestamp(),
        )

    def close(self) -> None:
        async def end() -> None:
            self.pings.close()
            await self.task
            await self.work.close()

        self.base.run(end())

    @property
    def now(self) -> datetime:
        return self.base.now

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.workspace.sql(statement, *parameters)

    def heartbeat(self, name: str = "backup", **columns: Any) -> UUID:
        """Its token is its name, made long enough."""
        heartbeat_id = uuid7()
        self.workspace.insert(
            "heartbeats",
            **{
                "id": heartbeat_id,
                "workspace_id": self.workspace.id,
                "tenant_id": self.workspace.tenant_id,
                "integration_id": self.sender.id,
                "name": name,
                "slug": name,
                "kind": "interval",
                "period_seconds": 3600,
                "grace_seconds": 600,
                "token_digest": UUID(bytes=token_digest(token(name))),
                **columns,
            },
        )
        self.workspace.insert("heartbeat_statuses", heartbeat_id=heartbeat_id)
        return heartbeat_id

    def incoming(self, name: str, kind: PingKind, **more: Any) -> IncomingPing:
        method, body = more.pop("method", "POST"), more.pop("body", None)
        by = HeartbeatName(digest=token_digest(token(name)))
        return IncomingPing(by, Ping(kind, **more), self.now, method, body)

    def ping(
        self, name: str = "backup", kind: PingKind = PingKind.SUCCESS, **more: Any
    ) -> PingAnswer:
        (answer,) = self.submit([self.incoming(name, kind, **more)])
        return answer

    def submit(self, incoming: Sequence[IncomingPing]) -> list[PingAnswer]:
        """All at once."""

        async def main() -> list[PingAnswer]:
            return list(await asyncio.gather(*(self.pings.submit(each) for each in incoming)))

        return self.base.run(main())

    def look(self) -> None:
        """What the clock does each time it looks."""
        self.base.run(self.work.work(self.now))

    def after(self, span: timedelta) -> None:
        """Time passes, and the clock looks on the way as often as it does."""
        end = self.now + span
        while self.now < end:
            self.base.now = min(self.now + timedelta(seconds=50), end)
            self.look()

    def restart(self, down_for: timedelta = timedelta(0)) -> None:
        """The leader dies, and after a while another takes over."""
        self.base.run(self.work.close())
        self.base.now += down_for
        self.work = self._work()

    def put(self, forward: timedelta) -> None:
        """Move the clock of the wall alone."""
        self.base.now += forward
        self.put_forward += forward

    def alerts(self) -> list[dict[str, Any]]:
        return self.workspace.alerts(self.sender)

    def told(self) -> list[str]:
        rows = self.sql("SELECT event_type FROM alert_deliveries ORDER BY sequence")
        return [event_type.removeprefix("alerts.") for (event_type,) in rows]

    def state(self, name: str = "backup") -> str:
        ((state,),) = self.sql(
            "SELECT state FROM heartbeat_statuses JOIN heartbeats ON id = heartbeat_id"
            " WHERE name = %s",
            name,
        )
        return str(state)

    def status(self, column: str, name: str = "backup") -> Any:
        ((value,),) = self.sql(
            f"SELECT s.{column} FROM heartbeat_statuses s JOIN heartbeats h ON h.id = heartbeat_id"
            " WHERE name = %s",
            name,
        )
        return value


def token(name: str) -> str:
    return f"token-of-{name}-".ljust(32, "x")


@contextmanager
def watching(url: str, *, batch: int = 200) -> Iterator[Watching]:
    with harness(url) as base:
        opened = Watching(base, batch)
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def another_node(hub: Watching) -> Iterator[Pings]:
    """Takes pings over the same database."""
    pings = Pings(hub.workspace.url, queue_limit=10_000)

    async def start() -> asyncio.Task[None]:
        return asyncio.create_task(pings.run())

    async def end(task: asyncio.Task[None]) -> None:
        pings.close()
        await task

    task = hub.base.run(start())
    try:
        yield pings
    finally:
        hub.base.run(end(task))
