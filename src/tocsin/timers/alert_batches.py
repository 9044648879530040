"""What time does to alerts: each under its lock, in bounded batches, over one connection.

Nothing is remembered but what the database holds: a node that dies in between leaves what is still due,
and whoever takes over finds it. Two that act on the same alert at once find it done the second time.

A workspace pays for its own rules and silences: alerts of which the matching costs more than a batch may
are set aside until a thread has answered what they ask, and nobody else's alerts wait for them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from tocsin.alerts.alert_key import AlertKey
from tocsin.alerts.directory import DirectoryFeed
from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.alerts.stored import StoredAlert
from tocsin.alerts.transaction import AlertTransaction
from tocsin.store.clock import HeldAlert
from tocsin.store.described import described
from tocsin.store.failures import CONNECTION_LOST
from tocsin.store.pipe import PLANNER, Pipe
from tocsin.store.reconnecting import Reconnecting
from tocsin.turns import Pace

BATCH = 200
"""Messages per transaction; their alerts are locked for as long as it lasts."""

FAULTY_FOR_SECONDS = 60.0
"""After this an alert that could not be acted on is tried again."""

TRIES = 3
"""So often is what costs too much answered apart. Then its alerts are taken one by one, whatever they
cost: what changes all the while must not wait forever."""

log = structlog.get_logger(__name__)

Act = Callable[[AlertTransaction, Sequence[StoredAlert]], Awaitable[None]]
"""Decides about alerts, which are locked, in a transaction that plans and commits afterwards."""


@dataclass(slots=True)
class _Costly:
    """Alerts of one workspace, and what is known by now of what they ask."""

    alerts: Sequence[HeldAlert]
    budgets: MatchingBudgets
    settling: asyncio.Task[None]
    tries: int


class AlertBatches:
    """One per leader and purpose. It works over a connection of its own, beside the clock's."""

    def __init__(
        self, url: str, feed: DirectoryFeed, act: Act, *, size: int = BATCH, what: str
    ) -> None:
        """`what` names it in the log: "cannot …"."""
        self._pipe = Reconnecting(lambda: Pipe.open(url, options=PLANNER), pause_seconds=0)
        self._feed = feed
        self._act = act
        self._what = what
        self._faulty: dict[UUID, float] = {}
        self._costly: dict[UUID, _Costly] = {}
        self.size = size

    async def close(self) -> None:
        settling = [each.settling for each in self._costly.values()]
        self._costly.clear()
        for task in settling:
            task.cancel()
        await asyncio.gather(*settling, return_exceptions=True)
        await self._pipe.close()

    @property
    def busy(self) -> frozenset[UUID]:
        """Workspaces with alerts that are set aside: others of theirs have to wait."""
        return frozenset(self._costly)

    async def run(self, alerts: Sequence[HeldAlert], now: datetime) -> frozenset[UUID]:
        """Act on these in one transaction; where that fails, one by one, so that a faulty one does not
        hold up the others. Those whose matching costs too much are set aside, for `resume`.

        Returns the workspaces of `alerts`.

        Raises:
            psycopg.Error: the database went away; what is not done is still due.
        """
        by_workspace: dict[UUID, list[HeldAlert]] = {}
        for alert in alerts:
            by_workspace.setdefault(self._workspace_of(alert), []).append(alert)
        budgets = MatchingBudgets()
        overdrawn = await self._try(alerts, now, budgets)
        for workspace_id in overdrawn:
            self._set_aside(workspace_id, by_workspace[workspace_id], budgets, now)
        rest = [one for id, those in by_workspace.items() if id not in overdrawn for one in those]
        if overdrawn and rest:
            await self.run(rest, now)
        return frozenset(by_workspace)

    async def resume(self, now: datetime) -> None:
        """Act on what was set aside and has been answered since."""
        for workspace_id, costly in list(self._costly.items()):
            if not costly.settling.done():
                continue
            del self._costly[workspace_id]
            costly.settling.result()
            if costly.tries > TRIES:
                for alert in costly.alerts:
                    await self._try([alert], now, MatchingBudgets(None))
            elif await self._try(costly.alerts, now, costly.budgets):
                self._set_aside(
                    workspace_id, costly.alerts, costly.budgets, now, tries=costly.tries + 1
                )

    def _set_aside(
        self,
        workspace_id: UUID,
        alerts: Sequence[HeldAlert],
        budgets: MatchingBudgets,
        now: datetime,
        *,
        tries: int = 1,
    ) -> None:
        if (known := self._costly.get(workspace_id)) is not None:
            known.alerts = [*known.alerts, *alerts]
            return
        own = budgets.part(workspace_id)
        settling = asyncio.create_task(own.settle(now), name="settling")
        self._costly[workspace_id] = _Costly(alerts, own, settling, tries)

    async def _try(
        self, alerts: Sequence[HeldAlert], now: datetime, budgets: MatchingBudgets
    ) -> frozenset[UUID]:
        try:
            return await self._transact(alerts, now, budgets)
        except CONNECTION_LOST:
            await self._pipe.close()
            raise
        except Exception as error:
            await self._pipe.close()  # and with it the transaction
            if len(alerts) > 1:
                for alert in alerts:
                    await self.run([alert], now)
            else:
                alert_id = alerts[0].id
                self._faulty[alert_id] = time.monotonic() + FAULTY_FOR_SECONDS
                log.error(f"cannot {self._what}", alert_id=str(alert_id), **described(error))
            return frozenset()

    async def _transact(
        self, alerts: Sequence[HeldAlert], now: datetime, budgets: MatchingBudgets
    ) -> frozenset[UUID]:
        """Returns the workspaces that are overdrawn: then nothing was done."""
        keys = [
            AlertKey(alert.integration_id.bytes, alert.external_id)
            for alert in alerts
            if alert.external_id is not None
        ]
        pace = Pace(lambda: False)
        transaction = AlertTransaction(await self._pipe.get(), self._feed, now, budgets, pace)
        _, stored = await transaction.begin(keys, alert_ids=[alert.id.bytes for alert in alerts])
        await self._act(transaction, list(stored.values()))
        await transaction.plan()
        if budgets.overdrawn:
            await transaction.rollback()
            return budgets.overdrawn
        await transaction.commit()
        return frozenset()

    def _workspace_of(self, alert: HeldAlert) -> UUID:
        return self._feed.current.integrations[alert.integration_id].workspace_id

    def apart(self) -> list[UUID]:
        """Alerts that could not be acted on a moment ago."""
        now = time.monotonic()
        self._faulty = {id: until for id, until in self._faulty.items() if until > now}
        return list(self._faulty)
