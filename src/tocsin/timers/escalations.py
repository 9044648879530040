"""Escalations that are due: their next step, a page whose time has come, a hold that may be over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tocsin.alerts.directory import Directory, DirectoryFeed
from tocsin.alerts.stored import StoredAlert
from tocsin.alerts.transaction import AlertTransaction
from tocsin.store.clock import ClockConnection
from tocsin.timers.alert_batches import BATCH, AlertBatches


class DueEscalations:
    """One per leader."""

    def __init__(self, url: str, feed: DirectoryFeed, *, batch: int = BATCH) -> None:
        self._batches = AlertBatches(url, feed, _climb, size=batch, what="go on with an escalation")
        self._feed = feed
        self._directory: Directory | None = None
        """By which what is held was last looked at, or is due to be."""

    async def close(self) -> None:
        await self._batches.close()

    @property
    def is_busy(self) -> bool:
        """Whether alerts are set aside until what they ask is answered."""
        return bool(self._batches.busy)

    async def work(self, clock: ClockConnection, version: int, now: datetime) -> bool:
        """Go on with all that is due. Returns whether there is more to do at once.

        Raises:
            psycopg.Error: the database went away; what is not done is still due.
        """
        directory = await self._feed.refresh(version)
        if self._directory is None or self._directory.version != directory.version:
            if changed := _changed(self._directory, directory):
                await clock.hasten_escalations(changed, now)
            self._directory = directory
        batches, served = self._batches, frozenset[UUID]()
        await batches.resume(now)
        while alerts := await clock.due_escalations(
            now, batches.size, batches.apart(), [*(served | batches.busy)]
        ):
            served |= await batches.run(alerts, now)
        return bool(served - batches.busy)


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
