"""Escalations that are due: their next step, a page whose time has come, a hold that may be over; and
those to look at because what holds them, or whom they reach, has changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tocsin.alerts.directory import Directory, DirectoryFeed
from tocsin.alerts.stored import StoredAlert
from tocsin.alerts.transaction import AlertTransaction
from tocsin.store import arrays
from tocsin.store.clock import ClockConnection, HeldAlert
from tocsin.store.statements import prepared
from tocsin.timers.alert_batches import BATCH, AlertBatches


class DueEscalations:
    """One per leader."""

    def __init__(self, url: str, feed: DirectoryFeed, *, batch: int = BATCH) -> None:
        what = "go on with an escalation"
        self._batches = AlertBatches(url, feed, _climb, size=batch, what=what)
        self._unsettled = AlertBatches(url, feed, _settle, size=batch, what=what)
        self._waiting: deque[HeldAlert] = deque()
        """Those to look at once more."""
        self._feed = feed
        self._directory: Directory | None = None
        """By which what is held was last looked at, or is due to be."""

    async def close(self) -> None:
        await self._batches.close()
        await self._unsettled.close()

    @property
    def is_busy(self) -> bool:
        """Whether alerts are set aside until what they ask is answered."""
        return bool(self._batches.busy or self._unsettled.busy)

    async def work(self, clock: ClockConnection, version: int, now: datetime) -> bool:
        """Go on with all that is due. Returns whether there is more to do at once.

        Raises:
            psycopg.Error: the database went away; what is not done is still due.
        """
        directory = await self._feed.refresh(version)
        if self._directory is None or self._directory.version != directory.version:
            if changed := _changed(self._directory, directory):
                self._waiting += await clock.unsettled_escalations(changed)
            self._directory = directory
        batches, served = self._batches, frozenset[UUID]()
        for each in (batches, self._unsettled):
            await each.resume(now)
        size = min(self._unsettled.size, len(self._waiting))
        if size:
            await self._unsettled.run([self._waiting.popleft() for _ in range(size)], now)
        while alerts := await clock.due_escalations(
            now, batches.size, batches.apart(), [*(served | batches.busy)]
        ):
            served |= await batches.run(alerts, now)
        return bool(served - batches.busy) or bool(self._waiting)


async def _settle(transaction: AlertTransaction, alerts: Sequence[StoredAlert]) -> None:
    asked = {"ids": arrays.uuids([alert.state.id for alert in alerts]), "now": transaction.now}
    await transaction.run((prepared("hasten_escalations"), asked))
    await _climb(transaction, alerts)


async def _climb(transaction: AlertTransaction, alerts: Sequence[StoredAlert]) -> None:
    for alert in alerts:
        transaction.look_at_escalations(alert)


def _changed(before: Directory | None, after: Directory) -> list[UUID]:
    """The workspaces in which what holds escalations, or whom they reach, has changed; all without a
    `before`."""
    return [
        workspace_id
        for workspace_id, book in after.on_call.items()
        if before is None
        or before.on_call.get(workspace_id) != book
        or before.routing.get(workspace_id) != after.routing.get(workspace_id)
    ]
