"""The one way to change alerts: lock, read, decide, plan, write, whoever causes the change.

    transaction = AlertTransaction(pipe, feed, now)
    await transaction.begin(keys)            # locks, and what is known under them
    transaction.apply(…) / transaction.move(…)   # decide (`deciding.py`)
    await transaction.plan()                 # which destinations are notified
    await transaction.commit()

A transaction about alerts that are most likely news is begun ahead: it is decided as if nothing were
known of them, all of it goes in one trip, and what it writes is void if something is known.

Webhooks come with signals (`ingest/commit`), people with actions (`alerts/actions`). Locks are taken
in one order everywhere (the configuration shared, then what the caller claims, then alert keys,
sorted), so transactions of any number of nodes cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tocsin.alerts.alert_key import AlertKey, alert_lock
from tocsin.alerts.deciding import Deciding
from tocsin.alerts.directory import Directory, DirectoryFeed
from tocsin.alerts.escalating import Escalating
from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.alerts.opening import BegunAhead, opening, reading
from tocsin.alerts.planning import Planning
from tocsin.alerts.renewal import Renewal
from tocsin.alerts.rows import SYSTEM_JSON
from tocsin.alerts.stored import StoredAlert, key_states, stored_alerts
from tocsin.model import AlertEventKind
from tocsin.store import arrays
from tocsin.store.pipe import COMMIT, ROLLBACK, Call, Pipe, Row
from tocsin.store.statements import prepared
from tocsin.turns import Pace


class AlertTransaction(Deciding):
    """One transaction. `directory` is what it decides by, once it has begun."""

    def __init__(
        self,
        pipe: Pipe,
        feed: DirectoryFeed,
        now: datetime,
        budgets: MatchingBudgets | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`budgets` bound the matching (see `plan`); by default it is not bounded."""
        self._pipe = pipe
        self._ahead: BegunAhead | None = None
        self._feed = feed
        self._planning = Planning(budgets or MatchingBudgets(None), pace)
        timers = self._planning.timers
        super().__init__(now, timers, Escalating(self._planning.budgets, timers))
        self.directory: Directory = feed.current

    async def begin(
        self,
        keys: Sequence[AlertKey],
        *first: Call,
        alert_ids: Sequence[bytes] = (),
        renewal: Renewal | None = None,
    ) -> tuple[list[list[Row]], dict[bytes, StoredAlert]]:
        """Begin, execute `first`, lock and read `keys`, and the alerts named by id, which are locked by
        that, too: those without a key have nothing else to be locked by. Keys of a `renewal` are read
        only where their alert is not what it was.

        Returns the rows of each of `first`, and the alerts by id.

        Raises:
            psycopg.Error: nothing was begun.
        """
        self._planning.budgets.begin()
        renewing: list[Call] = []
        locks = {alert_lock(alert_id) for alert_id in alert_ids}
        if renewal is not None:
            keys = [key for key in keys if key not in renewal.repeats]
            locks |= renewal.locks
            renewing.append(renewal.call(self.now))
        locks |= {key.lock for key in keys}
        calls = opening(keys, locks, first, renewing, self.now)
        if alert_ids:
            calls.append((prepared("read_alerts"), {"ids": arrays.uuids(alert_ids)}))
        _, _, *results = await self._pipe.run(*calls)
        of_first, (_, *of_keys) = results[: len(first)], results[len(first) :]
        if renewal is not None:
            renewal.settle(of_keys.pop(0))
        known, *of_alerts = of_keys
        self._remembering.keys = key_states(keys, known)
        if renewal is not None and (others := renewal.others):
            rows = await self.run(reading(others, self.now))
            self._remembering.keys |= key_states(others, rows)
        version = known[0].version
        if self._feed.current.version != version:
            await self._feed.refresh(version)
        self.directory = self._feed.current
        rows = [row for found in of_alerts for row in found]
        return of_first, stored_alerts(rows, self.directory)

    def begin_ahead(self, keys: Sequence[AlertKey], *first: Call) -> None:
        """The same, expecting that nothing is known of `keys`. It goes with the next trip that is made,
        which is the commit where nothing else has to be read; there it turns out whether that is so.
        Each of `first` gives a row only where it makes void what the transaction writes."""
        self._planning.budgets.begin()
        self.directory = self._feed.current
        self._ahead = BegunAhead.on(self._pipe, keys, first, self.directory.version, self.now)

    async def run(self, call: Call) -> list[Row]:
        """One more statement of the caller's, inside the transaction."""
        (rows,) = await self._pipe.run(call)
        return rows

    async def plan(self) -> None:
        """Decide who is notified of what has changed. If a judge is overdrawn afterwards, that is
        undecided: roll back, settle, and begin again.

        Raises:
            psycopg.Error: nothing is written.
        """
        if self._changes or self._looks or self._standing:
            await self._planning.plan(
                self._pipe,
                self._changes,
                list(self._looks.values()),
                list(self._standing.values()),
                self._rows.words,
                self.directory,
                self.now,
                is_news=self._ahead is not None,
            )
        await self.escalating.plan(self._pipe, self._rows, self._planning, self.directory, self.now)

    async def commit(self, *others: Call, dry_run: bool = False) -> bool:
        """Write all of it, then `others`, and commit; `dry_run` undoes it all instead.

        Returns False where it was begun ahead and something is known: nothing was stored then, and it
        is to be decided again.

        Raises:
            psycopg.Error: nothing was stored, or (connection lost at the commit) nobody knows.
        """
        self._planning.set_reminders(self.now)
        for alert_id in sorted(self._planning.reminded):
            self._rows.happened(
                alert_id, AlertEventKind.REMINDED, {}, at=self.now, actor_json=SYSTEM_JSON
            )
        doubts = self._planning.doubts()
        calls = (
            *self._rows.calls(self.now),
            *others,
            *self._planning.calls(self.now),
            *self.escalating.calls(self.now),
            *self.timers.calls(),
        )
        if self._ahead is not None:
            if not all(call.is_voidable for call, _ in calls) and (
                doubts or not self._ahead.is_sent
            ):
                self._ahead.was_doubted = any(await self._pipe.run(*doubts))
                doubts = []
            if self._ahead.is_void:
                await self.rollback()
                return False
        results = await self._pipe.run(*doubts, *calls, (ROLLBACK if dry_run else COMMIT, {}))
        if self._ahead is not None:
            self._ahead.was_doubted = any(results[: len(doubts)])
            if self._ahead.is_void:
                return False
        self.escalating.report()
        return True

    async def rollback(self) -> None:
        if not self._pipe.drop_held():
            await self._pipe.run((ROLLBACK, {}))
