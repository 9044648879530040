"""What Prometheus posts by a clock that a test moves, and what ends what is no longer repeated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from tests.ingest.harness import NOON, Harness, harness
from tests.support.workspace import Sender
from tocsin.ingest.received_webhook import Shown
from tocsin.ingest.understand import understand
from tocsin.model import Secret
from tocsin.store.pipe import PLANNER, Pipe
from tocsin.timers.alert_leases import lapse

ONE, OTHER = bytes(15) + b"\1", bytes(15) + b"\2"


class Posts:
    """What Prometheus posts, at the time of the harness, and the clock that looks after it."""

    def __init__(self, opened: Harness) -> None:
        self.hub = opened
        self.sender: Sender = opened.workspace.sender("prometheus", secret="s" * 40)

    def post(self, *, ends: timedelta | None = timedelta(minutes=4), origin: bytes = ONE) -> None:
        alert: dict[str, Any] = {
            "labels": {"alertname": "Down"},
            "startsAt": (NOON - timedelta(minutes=5)).isoformat(),
        }
        if ends is not None:
            alert["endsAt"] = (self.hub.now + ends).isoformat()
        entry = self.hub.run(self.hub.senders.find(self.sender.id))
        assert entry is not None
        shown = Shown(proof=Secret("s" * 40), origin=origin)
        webhook = understand(entry, {}, json.dumps([alert]).encode(), self.hub.now, shown=shown)
        self.hub.run(self.hub.batcher.submit(webhook))

    def lapse(self) -> int:
        async def once() -> int:
            pipe = await Pipe.open(self.hub.workspace.url, options=PLANNER)
            try:
                return await lapse(pipe, self.hub.feed, self.hub.now)
            finally:
                await pipe.close()

        return self.hub.run(once())

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return self.hub.workspace.alerts(self.sender)

    @property
    def statuses(self) -> list[str]:
        return [row["status"] for row in self.alerts]

    def leases(self) -> list[tuple[datetime]]:
        return self.hub.workspace.sql("SELECT lapses_at FROM alert_leases")


@contextmanager
def posting(url: str) -> Iterator[Posts]:
    with harness(url) as opened:
        yield Posts(opened)
