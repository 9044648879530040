"""Ends of holds: what was held is looked at again; and beginnings: what waits with others is held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from tocsin.alerts.directory import Directory, DirectoryFeed
from tocsin.alerts.stored import StoredAlert
from tocsin.alerts.transaction import AlertTransaction
from tocsin.routing.beginnings import AHEAD, next_beginning
from tocsin.store.clock import ClockConnection, HeldAlert
from tocsin.timers.alert_batches import BATCH, AlertBatches
from tocsin.timers.inhibition import InhibitionLooks
from tocsin.timers.sweeps import Sweeps


class HoldEnds:
    """One per leader."""

    def __init__(self, url: str, feed: DirectoryFeed, *, batch: int = BATCH) -> None:
        self._batches = AlertBatches(url, feed, _look, size=batch, what="look at a held alert")
        self._feed = feed
        self._inhibition = InhibitionLooks(self._batches)
        self._sweeps = Sweeps()
        self._swept: Directory | None = None
        """By which all that is held was last looked at, or is in `_sweeps`."""
        self._ahead: dict[UUID, tuple[datetime, bool]] = {}
        """By workspace: until when no hold begins by the clock, and whether one does then."""

    async def close(self) -> None:
        await self._batches.close()

    @property
    def is_busy(self) -> bool:
        """Whether alerts are set aside until what they ask is answered."""
        return bool(self._batches.busy)

    async def work(self, clock: ClockConnection, version: int, now: datetime) -> bool:
        """Look at what is due, at most a batch of each workspace, and, where the configuration has
        changed since the last time, at a batch of all that is held there.

        Returns whether there is more to do at once.

        Raises:
            psycopg.Error: the database went away; what is not done is still due.
        """
        directory = await self._feed.refresh(version)
        if self._swept is None or self._swept.version != directory.version:
            await self._inhibition.begin(clock, self._swept, directory)
            changed = _changed(self._swept, directory)
            self._sweeps.begin(changed)
            self._look_ahead(changed, directory, now)
            self._swept = directory
        self._sweeps.begin(self._begun(directory, now))
        await self._batches.resume(now)
        inhibits = await self._inhibition.work(clock, now)
        has_more = await self._end(clock, now)
        if not self._inhibition.is_behind:
            await self._sweep(clock, now)
        return inhibits or has_more or self._sweeps.has_work(self._batches.busy)

    def _begun(self, directory: Directory, now: datetime) -> frozenset[UUID]:
        """The workspaces in which a hold has begun by the clock since the last time."""
        over = [id for id, (until, _) in self._ahead.items() if until <= now]
        begun = frozenset(id for id in over if self._ahead.pop(id)[1])
        self._look_ahead(over, directory, now)
        return begun

    def _look_ahead(self, workspaces: Iterable[UUID], directory: Directory, now: datetime) -> None:
        for id in workspaces:
            if (table := directory.routing.get(id)) is not None:
                begins = next_beginning(table, now)
                self._ahead[id] = (begins or now + AHEAD, begins is not None)

    async def _end(self, clock: ClockConnection, now: datetime) -> bool:
        """Whether anything was due."""
        batches, served = self._batches, frozenset[UUID]()
        while alerts := await clock.due(
            now, batches.size, batches.apart(), [*(served | batches.busy)]
        ):
            served |= await batches.run(alerts, now)
        return bool(served - batches.busy)

    async def _sweep(self, clock: ClockConnection, now: datetime) -> None:
        sweep = self._sweeps.next(self._batches.busy)
        if sweep is None:
            return
        size = self._batches.size
        if alerts := await clock.held(list(sweep.workspaces), sweep.after, size):
            await self._batches.run(alerts, now)
            sweep.after = alerts[-1].id
            self._sweeps.go_on(sweep)

    async def look(self, alerts: Sequence[HeldAlert], now: datetime) -> None:
        """Look at these."""
        await self._batches.run(alerts, now)


async def _look(transaction: AlertTransaction, alerts: Sequence[StoredAlert]) -> None:
    for alert in alerts:
        transaction.look(alert)


def _changed(before: Directory | None, after: Directory) -> frozenset[UUID]:
    """The workspaces in which rules, silences or destinations have changed; all without a `before`."""
    return frozenset(
        workspace_id
        for workspace_id, table in after.routing.items()
        if before is None or before.routing.get(workspace_id) != table
    )
