"""Which transaction a webhook goes into: the one that all share, or one of its workspace alone.

What a workspace sends, and what its rules ask of it, must cost that workspace and not its
neighbours. Webhooks that are heavy, and those of a workspace whose rules ask for more than their
budget, are committed apart: by a lane of that workspace, over a connection of a few that only such
lanes use. All webhooks of the integration that is heavy go there until that is over, and of a workspace
whose rules cost too much all that it has, so that none overtakes another: what one alert is sent comes
by one integration. See docs/adr/0009-a-workspace-pays-for-its-rules.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tocsin.ingest import batcher as batching
from tocsin.ingest import metrics
from tocsin.ingest.batcher import Batcher, Tell, Waiting
from tocsin.ingest.connection import Connection, Connections
from tocsin.ingest.known_alerts import KnownAlerts
from tocsin.ingest.received_webhook import Answer, Webhook
from tocsin.ingest.refusals import OVERLOADED, UNAVAILABLE
from tocsin.ingest.senders import Sender, Senders
from tocsin.ingest.spool.spool import Spool
from tocsin.model import utc_now
from tocsin.tracing import Tracer
from tocsin.turns import Pace

HEAVY_BYTES = 32_768
HEAVY_ROWS = 100
"""Of alerts, and of notifications that these may make, in one webhook."""

CONNECTIONS = 4
"""Of all lanes apart."""

SHARE = 4
"""One workspace apart may hold this part of what may wait: 503 for the rest of its flood."""


@dataclass(slots=True)
class HeavyLane:
    """What of one workspace is committed apart."""

    batcher: Batcher
    heavy: set[UUID] = field(default_factory=set)
    """Its integrations that are apart."""
    whole_until: float = 0.0
    """All of them are, while its rules cost too much."""

    def takes(self, integration_id: UUID) -> bool:
        if integration_id in self.heavy:
            return True
        if self.whole_until <= asyncio.get_running_loop().time() and not self.batcher.is_busy:
            # Until nothing waits, or a later one would overtake it.
            self.whole_until = 0.0
        return self.whole_until > 0


@dataclass(slots=True)
class Lanes:
    """One per process."""

    url: str
    senders: Senders
    queue_limit: int
    keep_rejected: int
    body_bytes: int = 67_108_864
    clock: Callable[[], datetime] = utc_now
    tracer: Tracer | None = None
    spool: Spool | None = None
    """Where webhooks are kept while the database is away, if anywhere."""
    known: KnownAlerts = field(default_factory=KnownAlerts)
    _shared: Batcher = field(init=False)
    _connections: Connections = field(init=False)
    _apart: dict[UUID, HeavyLane] = field(default_factory=dict)
    """By workspace."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _closing: bool = False

    def __post_init__(self) -> None:
        self._connections = Connections(self.url, CONNECTIONS)
        self._shared = Batcher(
            Connection(self.url),
            self.senders,
            queue_limit=self.queue_limit,
            keep_rejected=self.keep_rejected,
            clock=self.clock,
            part_with=self._send_apart,
            tracer=self.tracer,
            spool=self.spool,
            known=self.known,
        )

    async def submit(self, webhook: Webhook) -> Answer:
        """Wait for the commit that takes this webhook; the answer is what became of it."""
        if _is_heavy(webhook):
            lane = self._lane_of_heavy(webhook.sender)
        elif (known := self._known(webhook.sender)) is None:
            return await self._shared.submit(webhook)
        else:
            lane = known.batcher
        size = len(webhook.body)
        if lane.bytes_waiting + size > self.body_bytes // SHARE:
            metrics.REFUSED.labels("overloaded").inc()
            return OVERLOADED
        lane.bytes_waiting += size
        try:
            return await lane.submit(webhook)
        finally:
            lane.bytes_waiting -= size

    async def set_aside(self, webhook: Webhook) -> Answer:
        """Without a try at the database, of which is known that it does not answer now."""
        if self.spool is not None:
            await self.spool.keep([webhook])
        return webhook.answer or UNAVAILABLE

    def enqueue_light(self, webhook: Webhook, tell: Tell) -> bool:
        """Have `tell` called with the answer of the transaction that all share. False: it is not for
        that one."""
        if (self._apart and self._known(webhook.sender) is not None) or _is_heavy(webhook):
            return False
        refusal = self._shared.enqueue(webhook, tell)
        if refusal is not None:
            tell(refusal)
        return True

    @property
    def is_available(self) -> bool:
        return self._shared.is_available

    async def makes_progress(self, within_seconds: float) -> bool:
        """Whether the transaction that all share goes on."""
        return await self._shared.makes_progress(within_seconds)

    async def run(self) -> None:
        """Commit until `close`, then drain what has been taken."""
        await self._shared.run()
        while self._tasks:
            await asyncio.gather(*self._tasks)
        await self._connections.close()

    def close(self) -> None:
        self._closing = True
        self._shared.close()
        for lane in self._apart.values():
            lane.batcher.close()

    def _known(self, sender: Sender) -> HeavyLane | None:
        """The lane that takes what this sender sends, if there is one."""
        lane = self._apart.get(sender.entry.workspace_id)
        return lane if lane is not None and lane.takes(sender.id) else None

    def _send_apart(self, overdrawn: list[Waiting]) -> None:
        """In the order in which they came, before all that has come since."""
        by_workspace: dict[UUID, list[Waiting]] = {}
        for waiting in overdrawn:
            by_workspace.setdefault(waiting.webhook.sender.entry.workspace_id, []).append(waiting)
        for workspace_id, those in by_workspace.items():
            lane = self._lane(workspace_id)
            lane.whole_until = asyncio.get_running_loop().time() + batching.STAY_SECONDS
            lane.batcher.put_first(self._shared.give_up(workspace_id))
            lane.batcher.put_first(those)

    def _lane_of_heavy(self, sender: Sender) -> Batcher:
        """With the sender's webhooks that came earlier."""
        lane = self._lane(sender.entry.workspace_id)
        if sender.id not in lane.heavy and not lane.takes(sender.id):
            lane.batcher.put_first(self._shared.give_up(sender.entry.workspace_id, sender.id))
            # What is in flight came earlier still.
            lane.batcher.follows = self._shared.flight
        lane.heavy.add(sender.id)
        return lane.batcher

    def _lane(self, workspace_id: UUID) -> HeavyLane:
        """That of the workspace, begun if need be, for some more seconds."""
        lane = self._apart.get(workspace_id)
        if lane is None:
            batcher = Batcher(
                self._connections,
                self.senders,
                queue_limit=max(1, self.queue_limit // SHARE),
                keep_rejected=self.keep_rejected,
                clock=self.clock,
                spool=self.spool,
                pace=lambda: Pace(lambda: self._shared.is_busy),
                tracer=self.tracer,
                known=self.known,
            )
            lane = self._apart[workspace_id] = HeavyLane(batcher)
            task = asyncio.create_task(self._run(workspace_id, lane), name="lane")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if self._closing:
                batcher.close()
        lane.batcher.stay()
        return lane

    async def _run(self, workspace_id: UUID, lane: HeavyLane) -> None:
        await lane.batcher.run()
        del self._apart[workspace_id]


def _is_heavy(webhook: Webhook) -> bool:
    if len(webhook.body) > HEAVY_BYTES:
        return True
    count = len(webhook.signals)
    return count > 1 and count * (1 + webhook.sender.entry.routing.fan_out) > HEAVY_ROWS
