"""The dispatcher: claim → build the message → send → record. Any number run, on any number of nodes.

    Wakeups ──► claim (claim.py) ───► deliver, one task each ──► Recorder (groups)
       ▲            destination_lanes.py: how much of each            │
       └──────────────────── recorded: there is room again ◄──────────┘

The row in the database is the queue, and a lease on it is all that this process owns: it can be
killed at any moment and nothing is lost (docs/concepts/delivery.md).
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from msgspec.structs import replace

from tocsin.access.contact_codes import ContactCodes
from tocsin.access.vault import Vault
from tocsin.delivery.channels.base import Channel, LinksFor
from tocsin.delivery.dispatch import metrics
from tocsin.delivery.dispatch.attempt_traces import AttemptTraces
from tocsin.delivery.dispatch.claim import Look, claim
from tocsin.delivery.dispatch.destination_lanes import DestinationLanes, Lane
from tocsin.delivery.dispatch.discretion import discreet
from tocsin.delivery.dispatch.housekeeping import Housekeeping
from tocsin.delivery.dispatch.leases import LEASE_SECONDS, Leases
from tocsin.delivery.dispatch.page_looks import PageLooks
from tocsin.delivery.dispatch.recorder import FALLBACK_AFTER_SECONDS, Done, Recorder
from tocsin.delivery.dispatch.row_update import (
    Interrupted,
    NotAttempted,
    PageOver,
    Result,
    TooLate,
)
from tocsin.delivery.dispatch.storms import StormWatch
from tocsin.delivery.dispatch.targets import Target, Targets
from tocsin.delivery.dispatch.wakeups import PACE_SECONDS, POLL_SECONDS, Wakeups
from tocsin.delivery.outcome import BEHIND, Failed, Outcome, Retry, Sent, Standing
from tocsin.message import Message, PayloadError, read
from tocsin.rounds import Rounds
from tocsin.store.delivery_queue import Claimed, DeliveryQueue
from tocsin.store.described import described
from tocsin.store.reconnecting import Reconnecting
from tocsin.tracing import Tracer

log = structlog.get_logger(__name__)


class MessageLinks(Protocol):
    """Where the readers of a message can go (`message_links.py`)."""

    def acting(self, claimed: Claimed, target: Target) -> LinksFor: ...


@dataclass(frozen=True, slots=True)
class Tuning:
    """In hand at most `capacity` deliveries; an attempt is ended after `attempt_seconds` (channels
    end sooner by themselves); `pace_seconds` between two looks that find much (`wakeups.py`);
    `grace_seconds` for what is under way when we are to stop."""

    capacity: int = 1_024
    attempt_seconds: float = 120.0
    pace_seconds: float = PACE_SECONDS
    grace_seconds: float = 20.0
    lease_seconds: float = LEASE_SECONDS
    poll_seconds: float = POLL_SECONDS
    fallback_after_seconds: float = FALLBACK_AFTER_SECONDS


def node_name() -> str:
    """Unique to this dispatcher: a restarted one must not take itself for the one that died."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Dispatcher:
    def __init__(
        self,
        database_url: str,
        *,
        channels: Mapping[str, Channel],
        vault: Vault,
        links: MessageLinks,
        codes: ContactCodes,
        node: str | None = None,
        tuning: Tuning | None = None,
        tracer: Tracer | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        metrics.begin_at_zero(channels)
        self._url = database_url
        self.node = node or node_name()
        self._tuning = tuning or Tuning()
        self._links = links
        self._codes = codes
        self._targets = Targets(channels, vault)
        self._storms = StormWatch()
        self._lanes = DestinationLanes(self._tuning.capacity)
        self._leases = Leases(self._tuning.lease_seconds)
        self._wakeups = Wakeups(database_url, self._tuning.poll_seconds, self._tuning.pace_seconds)
        self._recorder = Recorder(
            self._open_queue,
            self._recorded,
            fallback_after=self._tuning.fallback_after_seconds,
            dice=dice,
        )
        self._housekeeping = Housekeeping(self._open_queue, self._leases, self._wakeups.wake)
        self._page_looks = PageLooks(database_url)
        self._traces = None if tracer is None else AttemptTraces(database_url, tracer)
        self._deliveries: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._rounds = Rounds()

    async def makes_progress(self, within_seconds: float) -> bool:
        """Whether it looks for what is due, and what it has sent gets on record."""
        looks = await self._rounds.another(within_seconds, self._wakeups.wake)
        return looks and not self._recorder.is_behind(within_seconds)

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is in hand is sent, or given back."""
        self._stopping = True
        self._wakeups.wake()

    async def run(self) -> None:
        """Until `stop`. It survives losing the database, and faults of channels. A fault of its own ends
        it, and what it has in hand (`lasting.py`).

        Raises:
            ExceptionGroup: the faults of our own that ended it."""
        try:
            await self._run_together()
        finally:
            for task in self._deliveries:
                task.cancel()

    async def _run_together(self) -> None:
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(self._wakeups.listen())
            recording = group.create_task(self._recorder.run())
            keeping = group.create_task(self._housekeeping.run())
            await self._claim_until_stopped()
            await self._finish_in_hand()
            self._recorder.close()
            await recording
            await self._page_looks.close()
            if self._traces is not None:
                await self._traces.close()
            listening.cancel()
            keeping.cancel()

    # Claim

    async def _claim_until_stopped(self) -> None:
        queue = Reconnecting(self._open_queue)
        next_in: float | None = 0.0
        try:
            while True:
                await self._wakeups.wait(next_in)
                if self._stopping:
                    return
                try:
                    found = await claim(
                        await queue.get(), self._targets, self._lanes, self._leases, self._storms
                    )
                except Exception as error:
                    log.error("cannot claim deliveries", **described(error))
                    await queue.back_off()
                    next_in = 0.0
                    continue
                next_in = found.next_in
                self._begin(found)
                self._rounds.done()
                self._wakeups.looked(len(found.claimed))
        finally:
            await queue.close()

    def _begin(self, found: Look) -> None:
        self._housekeeping.note(found.unreachable, found.waiting)
        metrics.IN_HAND.set(self._lanes.in_hand)
        now = time.monotonic()
        for claimed in found.claimed:
            target = self._targets.get(claimed.alert_destination_id)
            task = asyncio.create_task(self._deliver(claimed, target, now))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)

    # Deliver

    async def _deliver(self, claimed: Claimed, target: Target | None, claimed_at: float) -> None:
        """One alert delivery: build, send, and pass its outcome to the recorder."""
        lane = self._lanes.known(claimed.alert_destination_id)
        assert lane is not None
        kind = "deleted" if target is None else target.kind
        name = "deleted" if target is None else target.name
        done = Done(claimed, kind, name, NotAttempted(), claimed_at)
        try:
            async with lane.turn:
                if target is None or not self._may_begin(claimed, lane):
                    return
                if claimed.seconds_left <= time.monotonic() - claimed_at:
                    done.result = TooLate()
                    return
                if claimed.is_page and (over := await self._page_looks.over(claimed.id)):
                    done.result = PageOver(over)
                    return
                done.began = time.monotonic()
                done.result = Interrupted()
                done.result = await self._attempt(claimed, target, claimed_at)
        finally:
            done.ended = time.monotonic()
            self._learn(lane, done.result)
            self._recorder.put(done)

    def _may_begin(self, claimed: Claimed, lane: Lane) -> bool:
        return not (self._stopping or lane.is_paused) and self._leases.allows(claimed.id)

    async def _attempt(self, claimed: Claimed, target: Target, claimed_at: float) -> Outcome:
        if target.channel is None:
            assert target.fault is not None
            return target.fault
        try:
            message = read(
                claimed.payload,
                id=claimed.id,
                event_type=claimed.event_type,
                created_at=claimed.created_at,
                attempt=claimed.attempt_count,
                at=claimed.at + timedelta(seconds=time.monotonic() - claimed_at),
                workspace=target.workspace,
                destination_name=target.name,
            )
        except PayloadError as error:
            return Failed("payload-unreadable", str(error))
        if message.carries_code:
            message = replace(message, code=self._codes.code(claimed.id))
        attempt = None if self._traces is None else await self._traces.begin(claimed, target)
        if attempt is not None:
            message = replace(message, trace_headers=attempt.headers)
        outcome = discreet(await self._send(message, claimed, target), target, message.code)
        if attempt is not None:
            attempt.ended(outcome)
        return outcome

    async def _send(self, message: Message, claimed: Claimed, target: Target) -> Outcome:
        assert target.channel is not None
        behind = claimed.behind
        try:
            async with asyncio.timeout(self._tuning.attempt_seconds):
                return await target.channel.send(
                    message,
                    target.config,
                    self._links.acting(claimed, target),
                    {**(claimed.progress or {}), **({BEHIND: behind} if behind else {})},
                )
        except TimeoutError:
            return Retry("timeout", f"{target.name} did not finish in time")
        except Exception as error:
            # Its text may hold a URL that is a secret: the kind of error and its place must do.
            log.error(
                "a channel failed unexpectedly",
                channel=target.kind,
                **described(error),
                alert_delivery_id=str(claimed.id),
            )
            return Retry("internal-error", "failed inside Tocsin; its log says more")

    @staticmethod
    def _learn(lane: Lane, result: Result) -> None:
        match result:
            case Sent() | Retry(standing=Standing.WORKING):
                lane.succeeded()
            case Retry(standing=standing) if standing.is_trouble:
                lane.failed(pauses=standing.holds)

    # Record

    def _recorded(self, group: Sequence[Done]) -> None:
        for done in group:
            self._lanes.release(done.claimed.alert_destination_id)
            self._leases.drop(done.claimed.id)
        metrics.IN_HAND.set(self._lanes.in_hand)
        lanes = {done.claimed.alert_destination_id for done in group}
        if any(self._lanes.runs_low(id) for id in lanes):
            self._wakeups.wake()
        else:
            # What comes after one of these in its alert may go now.
            self._wakeups.wake_soon()

    # Stop

    async def _finish_in_hand(self) -> None:
        """What is under way may end by itself; what waits for its turn goes back, unattempted."""
        if not self._deliveries:
            return
        _, late = await asyncio.wait(self._deliveries, timeout=self._tuning.grace_seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def _open_queue(self) -> DeliveryQueue:
        return await DeliveryQueue.open(self._url, self.node, self._leases.seconds)
