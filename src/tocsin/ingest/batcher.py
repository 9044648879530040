"""The group commit: while one transaction is in flight, webhooks gather; the next takes them all.

No timer and no added delay: an idle server commits a lone webhook at once, a busy one commits ever
larger groups. A bad webhook never fails its neighbours: a batch that fails is split until the bad
one is alone; it is answered 500, and the attempt is on record.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from tocsin.alerts.matching_budgets import MatchingBudgets
from tocsin.ingest import metrics
from tocsin.ingest.commit import commit_webhooks
from tocsin.ingest.connection import Connection, Connections
from tocsin.ingest.foresight import Foresight
from tocsin.ingest.kept import quoted
from tocsin.ingest.known_alerts import KnownAlerts
from tocsin.ingest.received_webhook import Answer, Declined, Webhook
from tocsin.ingest.refusals import FAULT, GONE, OVERLOADED, UNAVAILABLE
from tocsin.ingest.reread import is_out_of_date, reread
from tocsin.ingest.senders import Senders
from tocsin.ingest.spool.spool import Spool
from tocsin.ingest.traces import trace_commit
from tocsin.ingest.trouble import say_database_away, say_database_back, say_overloaded
from tocsin.model import utc_now
from tocsin.rounds import Rounds
from tocsin.store import arrays
from tocsin.store.failures import Conflict, Deadlock, is_away
from tocsin.store.statements import prepared
from tocsin.tracing import Tracer
from tocsin.turns import Pace, at_once_aside

log = structlog.get_logger(__name__)

BATCH_LIMIT = 256
"""Webhooks in one transaction: enough to make the commit cheap, few enough to keep locks short."""

SIGNAL_LIMIT = 2_000
"""Signals in one transaction; each takes a lock, and PostgreSQL's lock table is small by default."""

STAY_SECONDS = 10.0
"""How long a workspace is kept apart after it was last too heavy."""

NEWS_LIMIT = 256
"""Signals in one transaction where they are most likely news: what is written for so many fits the
socket of the database, which then works on it while the webhooks of the next are read."""

RULE_BUDGET = "rule_budget"


Tell = Callable[[Answer], None]
"""Hands an answer to whoever waits for it; called once, in a turn of the event loop of its own or while
its webhook is queued."""


class Waiting(NamedTuple):
    webhook: Webhook
    tell: Tell
    has_gone: Callable[[], bool] | None = None
    """Whether nobody waits any more; None: somebody always does."""


@dataclass(slots=True)
class Batcher:
    """A queue, a connection, and at most one transaction in flight."""

    connection: Connection | Connections
    senders: Senders
    queue_limit: int
    keep_rejected: int
    clock: Callable[[], datetime] = utc_now
    part_with: Callable[[list[Waiting]], None] | None = None
    """Takes those whose workspace is overdrawn. A lane without it has one workspace only, sees to
    them itself, and ends when there is no reason for it any more."""
    pace: Callable[[], Pace] | None = None
    tracer: Tracer | None = None
    spool: Spool | None = None
    """Where webhooks are kept while the database is away, if anywhere."""
    bytes_waiting: int = 0
    follows: asyncio.Future[None] | None = None
    """A transaction of another queue, with earlier webhooks of those that come next."""
    rounds: Rounds = field(default_factory=Rounds)
    foresight: Foresight = field(default_factory=Foresight)
    known: KnownAlerts = field(default_factory=KnownAlerts)
    _waiting: deque[Waiting] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _flight: asyncio.Future[None] | None = None
    _overdrawn: set[bytes] = field(default_factory=set)
    """Webhooks of the batch in flight that are to be parted with."""
    _batch_limit: int = BATCH_LIMIT
    _stays_until: float = 0.0
    _has_warned: bool = False
    _closing: bool = False
    _available: bool = True

    async def submit(self, webhook: Webhook) -> Answer:
        """Wait for the commit that takes this webhook; the answer is what became of it."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def tell(answer: Answer) -> None:
            if not future.done():
                future.set_result(answer)

        refusal = self.enqueue(webhook, tell, future.cancelled)
        return refusal or await future

    def enqueue(
        self, webhook: Webhook, tell: Tell, has_gone: Callable[[], bool] | None = None
    ) -> Declined | None:
        """Have `tell` called with the answer, or say why there is no room for it."""
        if len(self._waiting) >= self.queue_limit or self._closing:
            metrics.REFUSED.labels("overloaded").inc()
            say_overloaded()
            return OVERLOADED
        if (
            not self._available
            and len(self._waiting) >= BATCH_LIMIT
            and (self.spool is None or not self.spool.takes)
        ):
            return UNAVAILABLE
        self._waiting.append(Waiting(webhook, tell, has_gone))
        self._wake.set()
        return None

    @property
    def is_available(self) -> bool:
        return self._available

    async def makes_progress(self, within_seconds: float) -> bool:
        """Whether what is in flight ends, or, where nothing is, whether a webhook would be noticed."""
        return await self.rounds.another(within_seconds, self._wake.set)

    @property
    def is_busy(self) -> bool:
        return self._flight is not None or bool(self._waiting)

    @property
    def flight(self) -> asyncio.Future[None] | None:
        """The transaction in flight, if there is one."""
        return self._flight

    def put_first(self, earlier: Iterable[Waiting]) -> None:
        """Webhooks that came before all that wait here."""
        self._waiting.extendleft(reversed(list(earlier)))
        self._wake.set()

    def give_up(self, workspace_id: UUID, integration_id: UUID | None = None) -> list[Waiting]:
        """Those of a workspace, or of one of its integrations, that wait here, which wait here no
        longer."""
        theirs = [
            each
            for each in self._waiting
            if (sender := each.webhook.sender).entry.workspace_id == workspace_id
            and integration_id in (None, sender.id)
        ]
        if theirs:
            given = {id(each) for each in theirs}
            self._waiting = deque(each for each in self._waiting if id(each) not in given)
        return theirs

    def stay(self) -> None:
        """Do not end yet."""
        self._stays_until = asyncio.get_running_loop().time() + STAY_SECONDS

    async def run(self) -> None:
        """Commit until `close` (a lane apart: or until it has no more to do), then drain what has
        been taken."""
        while self._waiting or not (self._closing or await self._ends_idle()):
            self.rounds.done()
            if self.follows is not None:
                earlier, self.follows = self.follows, None
                await asyncio.wait([earlier])
                continue
            if not self._waiting:
                continue
            taken = self._take()
            flight = self._flight = asyncio.get_running_loop().create_future()
            await self._store([waiting.webhook for waiting in taken])
            parting: list[Waiting] = []
            if self._overdrawn:
                parting = [each for each in taken if each.webhook.id in self._overdrawn]
                taken = [each for each in taken if each.webhook.id not in self._overdrawn]
            # The next transaction is begun before these are told, so that neither waits for the other.
            asyncio.get_running_loop().call_soon(_tell, taken)
            self._flight = None
            flight.set_result(None)
            if parting and self.part_with is not None:
                self.part_with(parting)
            self._overdrawn.clear()
        if isinstance(self.connection, Connection):
            await self.connection.close()

    async def _ends_idle(self) -> bool:
        """Wait for something to do; whether there is nothing left to stay for."""
        self._wake.clear()
        if self.part_with is not None:
            await self._wake.wait()
            return False
        remaining = self._stays_until - asyncio.get_running_loop().time()
        if remaining > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(remaining):
                    await self._wake.wait()
        return remaining <= 0 and not self._waiting

    def close(self) -> None:
        self._closing = True
        self._wake.set()

    def _take(self) -> list[Waiting]:
        taken: list[Waiting] = []
        signals = 0
        limit = NEWS_LIMIT if self.foresight.expects_news else SIGNAL_LIMIT
        while self._waiting and len(taken) < self._batch_limit and signals < limit:
            waiting = self._waiting.popleft()
            if waiting.has_gone is not None and waiting.has_gone():
                continue
            signals += len(waiting.webhook.signals)
            taken.append(waiting)
        return taken

    async def _store(self, webhooks: list[Webhook]) -> None:
        """In the database; or, where that is away or earlier ones wait for it, in the spool."""
        if self.spool is not None and self.spool.is_holding:
            await self.spool.turn()
        if self.spool is None or not self.spool.is_holding:
            await self._commit(webhooks)
            webhooks = [webhook for webhook in webhooks if webhook.answer is UNAVAILABLE]
        if webhooks and self.spool is not None:
            await self.spool.keep(webhooks)
        refused = sum(webhook.answer is UNAVAILABLE for webhook in webhooks)
        if refused:
            metrics.REFUSED.labels("database").inc(refused)

    async def _commit(
        self, webhooks: list[Webhook], budgets: MatchingBudgets | None = None
    ) -> None:
        """Store all; what cannot be stored alone is answered 500 and recorded as failed."""
        if not webhooks:
            return
        metrics.BATCH_SIZE.observe(len(webhooks))
        budgets = budgets or MatchingBudgets()
        error: Exception = RuntimeError("lost every race")
        decided: list[Answer | None] = []
        for attempt in range(3):
            for webhook in webhooks:
                webhook.answer = None
            try:
                if decided and await self._is_stored(webhooks):
                    for webhook, answer in zip(webhooks, decided, strict=True):
                        webhook.answer = answer
                    return
                overdrawn = await self._transaction(webhooks, budgets)
            except (Conflict, Deadlock):
                # Somebody else won a race that the locks do not cover (a person's reopening, say):
                # what is known is out of date, so decide again.
                continue
            except Exception as caught:
                error = caught
                if not is_away(error):
                    break
                if attempt == 0 and self._available and not isinstance(error, TimeoutError):
                    # A connection that died while idle is no reason to refuse anything. If it died
                    # at the commit, nobody knows whether that was done: look before doing it again.
                    if all(webhook.answer is not None for webhook in webhooks):
                        decided = [webhook.answer for webhook in webhooks]
                    continue
                self._away(webhooks, error)
                return
            else:
                if overdrawn:
                    await self._plan_apart(webhooks, overdrawn, budgets)
                else:
                    self._batch_limit = min(BATCH_LIMIT, 2 * self._batch_limit)
                return
        if len(webhooks) == 1:
            await self._give_up(webhooks[0], error)
            return
        middle = len(webhooks) // 2
        await self._commit(webhooks[:middle])
        await self._commit(webhooks[middle:])

    async def _plan_apart(
        self, webhooks: list[Webhook], overdrawn: frozenset[UUID], budgets: MatchingBudgets
    ) -> None:
        """What some of `webhooks` ask of the rules of their workspaces is over the budget, or they
        are to be read again, which takes long."""
        if self.part_with is not None:
            theirs = {w.id for w in webhooks if w.sender.entry.workspace_id in overdrawn}
            self._overdrawn |= theirs
            await self._commit([webhook for webhook in webhooks if webhook.id not in theirs])
            return
        self.stay()
        kept = [webhook for webhook in webhooks if webhook.settled is not GONE]
        if is_out_of_date(kept, self.senders.current):
            for webhook in webhooks:
                await at_once_aside(reread, [webhook], self.senders.current, at_once=False)
            await self._commit(webhooks, budgets)
            return
        if len(webhooks) > 1:
            middle = self._batch_limit = len(webhooks) // 2
            await self._commit(webhooks[:middle])
            await self._commit(webhooks[middle:])
            return
        (webhook,) = webhooks
        if RULE_BUDGET not in webhook.flags:
            metrics.OVER_BUDGET.inc()
            self._warn(webhook)
        if self._closing:
            # That may take longer than there is until the process is ended.
            webhook.answer = OVERLOADED
            return
        await budgets.settle(self.clock())
        webhook.flag(RULE_BUDGET)
        await self._commit(webhooks, budgets)

    def _warn(self, webhook: Webhook) -> None:
        """Once for as long as the workspace is apart."""
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "ingest.rule_budget",
                workspace_id=str(webhook.sender.entry.workspace_id),
                integration_id=str(webhook.sender.id),
                remedy="such webhooks are planned apart and take longer; fewer or simpler regular"
                " expressions in the rules and silences of the workspace cost less",
            )

    async def _transaction(
        self, webhooks: list[Webhook], budgets: MatchingBudgets
    ) -> frozenset[UUID]:
        began = time.perf_counter()
        async with self.connection.opened() as pipe:
            overdrawn = await commit_webhooks(
                pipe,
                self.senders,
                webhooks,
                now=self.clock(),
                keep_rejected=self.keep_rejected,
                budgets=budgets,
                pace=None if self.pace is None else self.pace(),
                foresight=self.foresight,
                known=self.known,
            )
        if not self._available:
            say_database_back()
        self._available = True
        if self.tracer is not None and not overdrawn:
            trace_commit(self.tracer, webhooks, time.perf_counter() - began)
        return overdrawn

    async def _is_stored(self, webhooks: list[Webhook]) -> bool:
        ids = arrays.uuids([webhook.id for webhook in webhooks])
        async with self.connection.opened() as pipe:
            (found,) = await pipe.run((prepared("stored_webhooks"), {"ids": ids}))
        return bool(found)

    def _away(self, webhooks: list[Webhook], error: Exception) -> None:
        if self._available:
            say_database_away(error, has_spool=self.spool is not None)
        self._available = False
        for webhook in webhooks:
            webhook.answer = UNAVAILABLE

    async def _give_up(self, webhook: Webhook, error: Exception) -> None:
        log.error(
            "ingest.poison",
            integration_id=str(webhook.sender.id),
            error=type(error).__name__,
            exc_info=error,
        )
        metrics.FAULTS.inc()
        webhook.signals = []
        webhook.flags = ()
        webhook.settled, webhook.is_final = FAULT, True
        try:
            await self._transaction([webhook], MatchingBudgets())
            return
        except Exception as again:
            log.error("ingest.poison_not_recorded", error=type(again).__name__)
        # Perhaps it is what it came with that cannot be stored.
        webhook.headers, webhook.idempotency_key = {}, None
        webhook.raw_payload = quoted(webhook.body)
        try:
            await self._transaction([webhook], MatchingBudgets())
        except Exception as again:
            log.error("ingest.poison_not_recorded", error=type(again).__name__)
            webhook.answer = FAULT


def _tell(answered: list[Waiting]) -> None:
    """One turn of the event loop for all answers of a transaction."""
    for webhook, tell, _ in answered:
        try:
            tell(webhook.answer or FAULT)
        except Exception as error:
            log.error("ingest.fault", error=type(error).__name__, exc_info=error)
            metrics.FAULTS.inc()
