"""Ends of holds: what was held is looked at again, each alert under its lock, in bounded batches.

Nothing is remembered but what the database holds: a node that dies in between leaves rows that are still
held and still due, and whoever takes over finds them. Two that look at the same alert at once find it
settled the second time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.directory import Directory, DirectoryFeed
from tocsin.alerts.transaction import AlertTransaction
from tocsin.store.clock import FIRST, ClockConnection, HeldAlert
from tocsin.store.described import described
from tocsin.store.failures import CONNECTION_LOST
from tocsin.store.pipe import PLANNER, Pipe
from tocsin.store.reconnecting import Reconnecting

BATCH = 200
"""Messages per transaction; their alerts are locked for as long as it lasts."""

FAULTY_FOR_SECONDS = 60.0
"""After this an alert whose look failed is tried again."""

log = structlog.get_logger(__name__)


class HoldEnds:
    """One per leader. It looks over a connection of its own, beside the clock's."""

    def __init__(self, url: str, feed: DirectoryFeed, *, batch: int = BATCH) -> None:
        self._pipe = Reconnecting(lambda: Pipe.open(url, options=PLANNER), pause_seconds=0)
        self._feed = feed
        self._batch = batch
        self._swept: Directory | None = None
        """By which all that is held was last looked at."""
        self._faulty: dict[UUID, float] = {}

    async def close(self) -> None:
        await self._pipe.close()

    async def work(self, clock: ClockConnection, version: int, now: datetime) -> None:
        """Look at all that is due, and, if the configuration has changed since the last time, at all
        that is held where it has.

        Raises:
            psycopg.Error: the database went away; what is not done is still due.
        """
        directory = await self._feed.refresh(version)
        if self._swept is None or self._swept.version != directory.version:
            await self._sweep(clock, _changed(self._swept, directory), now)
            self._swept = directory
        while alerts := await clock.due(now, self._batch, self._apart()):
            await self.look(alerts, now)

    async def _sweep(
        self, clock: ClockConnection, workspaces: Sequence[UUID], now: datetime
    ) -> None:
        after = FIRST
        while workspaces and (alerts := await clock.held(workspaces, after, self._batch)):
            await self.look(alerts, now)
            after = alerts[-1].id

    async def look(self, alerts: Sequence[HeldAlert], now: datetime) -> None:
        """Look at these in one transaction; where that fails, one by one, so that a faulty one does not
        hold the others."""
        try:
            await self._look(alerts, now)
        except CONNECTION_LOST:
            await self._pipe.close()
            raise
        except Exception as error:
            await self._pipe.close()  # and with it the transaction
            if len(alerts) > 1:
                for alert in alerts:
                    await self.look([alert], now)
                return
            alert_id = alerts[0].id
            self._faulty[alert_id] = time.monotonic() + FAULTY_FOR_SECONDS
            log.error("cannot look at a held alert", alert_id=str(alert_id), **described(error))

    async def _look(self, alerts: Sequence[HeldAlert], now: datetime) -> None:
        keys = [
            AlertKey(alert.integration_id.bytes, alert.external_id)
            for alert in alerts
            if alert.external_id is not None
        ]
        transaction = AlertTransaction(await self._pipe.get(), self._feed, now)
        _, stored = await transaction.begin(keys, alert_ids=[alert.id.bytes for alert in alerts])
        for one in stored.values():
            transaction.look(one)
        await transaction.plan()
        await transaction.commit()

    def _apart(self) -> list[UUID]:
        now = time.monotonic()
        self._faulty = {id: until for id, until in self._faulty.items() if until > now}
        return list(self._faulty)


def _changed(before: Directory | None, after: Directory) -> list[UUID]:
    """The workspaces in which rules, silences or destinations have changed; all without a `before`."""
    if before is None:
        return list(after.routing)
    return [
        workspace_id
        for workspace_id, table in after.routing.items()
        if before.routing.get(workspace_id) != table
    ]
