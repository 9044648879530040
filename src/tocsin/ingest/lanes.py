"""Which transaction a webhook goes into: the one that all share, or one of its workspace alone.

What a workspace sends, and what its rules ask of it, must cost that workspace and not its
neighbours. Webhooks that are heavy, and those of a workspace whose rules ask for more than their
budget, are committed apart: by a lane of that workspace, over a connection of a few that only such
lanes use. All of the workspace's webhooks go there until that is over, so that none overtakes
another. See docs/adr/0009-a-workspace-pays-for-its-rules.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tocsin.ingest import metrics
from tocsin.ingest.batcher import Batcher, Waiting
from tocsin.ingest.connection import Connection, Connections
from tocsin.ingest.received_webhook import Answer, Declined, Webhook
from tocsin.ingest.refusals import OVERLOADED
from tocsin.ingest.senders import Senders
from tocsin.model import utc_now
from tocsin.turns import Pace

HEAVY_BYTES = 32_768
HEAVY_ROWS = 100
"""Of alerts, and of notifications that these may make, in one webhook."""

CONNECTIONS = 4
"""Of all lanes apart."""

SHARE = 4
"""One workspace apart may hold this part of what may wait: 503 for the rest of its flood."""


@dataclass(slots=True)
class Lanes:
    """One per process."""

    url: str
    senders: Senders
    queue_limit: int
    keep_rejected: int
    body_bytes: int = 67_108_864
    clock: Callable[[], datetime] = utc_now
    _shared: Batcher = field(init=False)
    _connections: Connections = field(init=False)
    _apart: dict[UUID, Batcher] = field(default_factory=dict)
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
        )

    async def submit(self, webhook: Webhook) -> Answer:
        """Wait for the commit that takes this webhook; the answer is what became of it."""
        workspace_id = webhook.sender.entry.workspace_id
        if _is_heavy(webhook):
            lane = self._lane(workspace_id)
        elif (known := self._apart.get(workspace_id)) is None:
            return await self._shared.submit(webhook)
        else:
            lane = known
        size = len(webhook.body)
        if lane.bytes_waiting + size > self.body_bytes // SHARE:
            metrics.REFUSED.labels("overloaded").inc()
            return OVERLOADED
        lane.bytes_waiting += size
        try:
            return await lane.submit(webhook)
        finally:
            lane.bytes_waiting -= size

    def enqueue_light(self, webhook: Webhook) -> asyncio.Future[Answer] | Declined | None:
        """As `submit`, without waiting; None: it is not for the transaction that all share."""
        if webhook.sender.entry.workspace_id in self._apart or _is_heavy(webhook):
            return None
        return self._shared.enqueue(webhook)

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
            lane.close()

    def _send_apart(self, overdrawn: list[Waiting]) -> None:
        """In the order in which they came, before all that has come since."""
        by_workspace: dict[UUID, list[Waiting]] = {}
        for waiting in overdrawn:
            by_workspace.setdefault(waiting.webhook.sender.entry.workspace_id, []).append(waiting)
        for workspace_id, those in by_workspace.items():
            self._lane(workspace_id).put_first(those)

    def _lane(self, workspace_id: UUID) -> Batcher:
        """That of the workspace, begun if need be, for some more seconds."""
        lane = self._apart.get(workspace_id)
        if lane is None:
            lane = self._apart[workspace_id] = Batcher(
                self._connections,
                self.senders,
                queue_limit=max(1, self.queue_limit // SHARE),
                keep_rejected=self.keep_rejected,
                clock=self.clock,
                pace=lambda: Pace(lambda: self._shared.is_busy),
            )
            lane.put_first(self._shared.give_up(workspace_id))
            task = asyncio.create_task(self._run(workspace_id, lane), name="lane")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if self._closing:
                lane.close()
        lane.stay()
        return lane

    async def _run(self, workspace_id: UUID, lane: Batcher) -> None:
        # What is in flight came earlier.
        await self._shared.landed()
        await lane.run()
        del self._apart[workspace_id]


def _is_heavy(webhook: Webhook) -> bool:
    if len(webhook.body) > HEAVY_BYTES:
        return True
    count = len(webhook.signals)
    return count > 1 and count * (1 + webhook.sender.entry.routing.fan_out) > HEAVY_ROWS
