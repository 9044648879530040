"""The stream behind an open page: that alerts or what is configured changed, how many alerts are open,
and that it lives.

A page asks for its own changed parts; no alert goes through the stream. What is looked at is one
row per workspace and the version of the configuration, once for all pages of it that are open in this
process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

import msgspec
import structlog
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tocsin.console.context import ConsoleContext
from tocsin.console.getting_in.door import Call, opened
from tocsin.store import failures
from tocsin.store.queries.alert_counts import LiveCounts, count_live
from tocsin.store.queries.configuration_version import configuration_version

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
_COST_FACTOR = 30
"""A look that takes long is taken seldom: at most so much of the time is spent looking."""
BEAT_SECONDS = 15.0
LONGEST_SECONDS = 600.0
"""Then the page asks again, with a session that may have ended meanwhile."""


@dataclass(slots=True)
class _Watch:
    """One workspace, as seen at the last look. `changed` is replaced at every change."""

    counts: LiveCounts | None = None
    version: int | None = None
    """Of all configuration, that of other workspaces as well."""
    watchers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class LiveFeed:
    context: ConsoleContext
    watches: dict[UUID, _Watch] = field(default_factory=dict)

    async def stream(self, workspace_id: UUID) -> AsyncIterator[bytes]:
        watch = self.watches.setdefault(workspace_id, _Watch())
        watch.watchers += 1
        if watch.task is None:
            watch.task = asyncio.create_task(self._look(workspace_id, watch), name="live feed")
        began = monotonic()
        try:
            yield b"retry: 3000\n\n"
            if watch.counts is not None:
                yield _counts(watch.counts)
            while monotonic() - began < LONGEST_SECONDS:
                changed, counts, version = watch.changed, watch.counts, watch.version
                try:
                    await asyncio.wait_for(changed.wait(), BEAT_SECONDS)
                except TimeoutError:
                    yield b"event: beat\ndata: {}\n\n"
                    continue
                if watch.counts is not None and watch.counts != counts:
                    yield _counts(watch.counts)
                    yield b"event: changed\ndata: {}\n\n"
                if version is not None and watch.version != version:
                    yield b"event: configured\ndata: {}\n\n"
        finally:
            watch.watchers -= 1
            if watch.watchers == 0 and watch.task is not None:
                watch.task.cancel()
                self.watches.pop(workspace_id, None)

    async def _look(self, workspace_id: UUID, watch: _Watch) -> None:
        while True:
            began = monotonic()
            version = watch.version
            try:
                async with self.context.reading() as session:
                    counts = await count_live(session, workspace_id)
                    version = await configuration_version(session)
            except failures.FAILED as error:
                log.warning("the live stream cannot reach the database", error=type(error).__name__)
                counts = watch.counts or LiveCounts(0, 0, None)
            if (counts, version) != (watch.counts, watch.version):
                watch.counts, watch.version = counts, version
                changed, watch.changed = watch.changed, asyncio.Event()
                changed.set()
            await asyncio.sleep(max(LOOK_SECONDS, _COST_FACTOR * (monotonic() - began)))


def _counts(counts: LiveCounts) -> bytes:
    at = counts.changed_at
    changed_ms = 0 if at is None else int(at.timestamp() * 1_000)
    body = msgspec.json.encode(
        {"open": counts.live, "critical": counts.critical, "changed": changed_ms}
    )
    return b"event: counts\ndata: " + body + b"\n\n"


def routes(context: ConsoleContext) -> list[Route]:
    feed = LiveFeed(context)

    async def answer(call: Call) -> Response:
        return StreamingResponse(
            feed.stream(call.visitor.workspace_id),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return [Route("/live", opened(context, answer), methods=["GET"])]
