"""What was set for alerts is done when its time has come: reminders, and alerts without news."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from tocsin.alerts.directory import Directory, DirectoryFeed, IntegrationEntry
from tocsin.alerts.elapsed import elapse, set_timers
from tocsin.model import EventType
from tocsin.store.clock import ClockConnection, HeldAlert
from tocsin.timers.alert_batches import BATCH, AlertBatches

Asked = Mapping[UUID, Hashable]
"""By integration, what its alerts' timers go by."""


class ElapsedTimers:
    """One per leader."""

    def __init__(self, url: str, feed: DirectoryFeed, *, batch: int = BATCH) -> None:
        self._due = AlertBatches(url, feed, elapse, size=batch, what="do what is due with an alert")
        self._to_set = AlertBatches(url, feed, set_timers, size=batch, what="set an alert's timers")
        self._feed = feed
        self._asked: Asked | None = None
        """By which all timers stand, or will once `_waiting` is done."""
        self._directory: Directory | None = None
        self._waiting: deque[HeldAlert] = deque()
        """Alerts whose timers are to be set again."""

    async def close(self) -> None:
        await self._due.close()
        await self._to_set.close()

    @property
    def is_busy(self) -> bool:
        """Whether alerts are set aside until what they ask is answered."""
        return bool(self._due.busy or self._to_set.busy)

    async def work(self, clock: ClockConnection, version: int, now: datetime) -> bool:
        """Do what is due, at most a batch of each workspace, and, where the configuration has changed
        since the last time, set the timers of a batch of alerts again.

        Returns whether there is more to do at once.

        Raises:
            psycopg.Error: the database went away; what is not done is still due.
        """
        directory = await self._feed.refresh(version)
        if self._directory is None or self._directory.version != directory.version:
            asked = _asked(directory)
            if other := _flap_otherwise(self._directory, directory):
                await clock.hasten_flapping(other, now)
            if changed := _changed(self._asked, asked):
                self._waiting += await clock.live_alerts(changed)
            self._asked, self._directory = asked, directory
        for batches in (self._to_set, self._due):
            await batches.resume(now)
        await self._set_new(now)
        return await self._elapse(clock, now) or bool(self._waiting)

    async def _set_new(self, now: datetime) -> None:
        size = min(self._to_set.size, len(self._waiting))
        if size:
            await self._to_set.run([self._waiting.popleft() for _ in range(size)], now)

    async def _elapse(self, clock: ClockConnection, now: datetime) -> bool:
        """Whether anything was due."""
        due, served = self._due, frozenset[UUID]()
        while alerts := await clock.due_timers(now, due.size, due.apart(), [*(served | due.busy)]):
            served |= await due.run(alerts, now)
        return bool(served - due.busy)

    async def elapse(self, alerts: Sequence[HeldAlert], now: datetime) -> None:
        """Do what is due with these."""
        await self._due.run(alerts, now)


def _flap_otherwise(before: Directory | None, after: Directory) -> list[UUID]:
    """The integrations whose alerts flap by other numbers than before; all without a `before`."""
    return [
        entry.id
        for entry in after.integrations.values()
        if before is None
        or (known := before.integrations.get(entry.id)) is None
        or known.flapping != entry.flapping
    ]


def _asked(directory: Directory) -> Asked:
    """Of those integrations whose alerts have timers by configuration."""
    return {
        entry.id: asked
        for entry in directory.integrations.values()
        if (asked := _asked_of(entry)) is not None
    }


def _asked_of(entry: IntegrationEntry) -> Hashable | None:
    reminding = entry.routing.listening.get(EventType.REMINDER)
    if reminding is None and entry.silent_after is None:
        return None
    enabled = frozenset(each.id for each in entry.routing.destinations.values() if each.is_enabled)
    rules = () if reminding is None else (reminding.rules, enabled)
    return entry.silent_after, rules


def _changed(before: Asked | None, after: Asked) -> list[UUID]:
    """The integrations whose alerts' timers are to be set again. One that asks for none any more needs
    nothing: what is set is dropped when it is due."""
    return [id for id, asked in after.items() if before is None or before.get(id) != asked]
