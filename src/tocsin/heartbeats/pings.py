"""The group commit of pings: while one transaction is in flight, pings gather; the next takes them all.

A transaction is two round trips, whatever the number of its pings: lock and read the heartbeats that
are named, then write what has changed and commit. It knows no alerts: where one begins or ends, the
change waits in the database for the clock (`timers/heartbeats`), which is woken.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

import msgspec
import structlog
from msgspec import Struct

from tocsin.heartbeats.beat import Ping, PingKind, PingOutcome, receive
from tocsin.heartbeats.rows import (
    PINGS_KEPT,
    HeartbeatChangeRow,
    KnownHeartbeat,
    PingRow,
    change_row,
    expectation_of,
    known_of,
    moved_look,
    writes,
)
from tocsin.model import utc_now
from tocsin.store import arrays
from tocsin.store.described import described
from tocsin.store.failures import is_away
from tocsin.store.pipe import BEGIN, COMMIT, PLANNER, ROLLBACK, Call, Pipe
from tocsin.store.statements import prepared

BATCH: Final = 500
"""Pings in one transaction."""

PATIENCE_SECONDS: Final = 8.0
"""For one transaction; clients of pings give up after 10 s."""

BOUND_LIMIT: Final = 1_000
"""Heartbeats that are made for one that is bound."""

_json = msgspec.json.Encoder(order="deterministic").encode

METHODS: Final = frozenset({"GET", "HEAD", "POST"})

log = structlog.get_logger(__name__)


class HeartbeatName(Struct, frozen=True):
    """How a ping names its heartbeat: by the digest of its token, by its slug in a workspace, or by its
    id. What a bound heartbeat has found (see `found_by`) names that one, too, so that it can be made."""

    digest: bytes | None = None
    workspace_id: bytes | None = None
    slug: str | None = None
    id: bytes | None = None
    parent_id: bytes | None = None
    values: tuple[tuple[str, str], ...] = ()
    """Pairs of label and value."""


def found_by(parent_id: bytes, values: tuple[tuple[str, str], ...]) -> HeartbeatName:
    """The heartbeat that is expected for these labels of a bound one. Its id follows from both: it
    is looked up by that, two nodes make one of it, and one that was deleted is not made again while
    anything is known of it. It sorts beside the bound one."""
    digest = sha256(parent_id + _json(values)).digest()
    tail = bytes([0x70 | digest[0] & 0x0F, digest[1], 0x80 | digest[2] & 0x3F, *digest[3:10]])
    return HeartbeatName(id=parent_id[:6] + tail, parent_id=parent_id, values=values)


class IncomingPing(Struct, frozen=True):
    """One ping as it came in. `method` is that of HTTP, or a word for another way in."""

    name: HeartbeatName
    ping: Ping
    at: datetime
    method: str
    body: str | None = None


class PingRefusal(StrEnum):
    """Why a ping is not on record."""

    UNKNOWN = "unknown"
    """There is no such heartbeat."""
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    FAULT = "fault"


PingAnswer = PingOutcome | PingRefusal

_Waiting = tuple[IncomingPing, asyncio.Future[PingAnswer]]


class Pings:
    """One per process: a queue, a connection that is opened when it is needed, and at most one
    transaction in flight."""

    def __init__(
        self, url: str, *, queue_limit: int, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._url = url
        self._queue_limit = queue_limit
        self._clock = clock
        self._pipe: Pipe | None = None
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._closing = False

    async def submit(self, incoming: IncomingPing) -> PingAnswer:
        """Wait for the commit that takes this ping; what became of it."""
        if self._closing or len(self._waiting) >= self._queue_limit:
            return PingRefusal.OVERLOADED
        future: asyncio.Future[PingAnswer] = asyncio.get_running_loop().create_future()
        self._waiting.append((incoming, future))
        self._wake.set()
        return await future

    async def run(self) -> None:
        """Commit until `close`, then drain what has been taken."""
        while self._waiting or not self._closing:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            taken = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            taken = [each for each in taken if not each[1].cancelled()]
            answers = await self._commit([incoming for incoming, _ in taken])
            for (_, future), answer in zip(taken, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        await self._disconnect()

    def close(self) -> None:
        self._closing = True
        self._wake.set()

    async def _commit(self, incoming: list[IncomingPing]) -> list[PingAnswer]:
        """Store all; a faulty one must not fail its neighbours."""
        if not incoming:
            return []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._transaction(incoming)
        except Exception as error:
            await self._disconnect()
            if is_away(error):
                log.warning("cannot take pings: the database is away", **described(error))
                return [PingRefusal.UNAVAILABLE] * len(incoming)
            if len(incoming) == 1:
                log.error("cannot take a ping", **described(error))
                return [PingRefusal.FAULT]
        middle = len(incoming) // 2
        return [*await self._commit(incoming[:middle]), *await self._commit(incoming[middle:])]

    async def _transaction(self, incoming: list[IncomingPing]) -> list[PingAnswer]:
        named = _parameters(incoming)
        reading: list[Call] = [
            (BEGIN, {}),
            (prepared("lock_heartbeats"), named),
            (prepared("read_heartbeats"), named),
        ]
        pipe = await self._connected()
        try:
            _, locked, rows = await pipe.run(*reading)
        except Exception as error:
            # Nothing was done yet, and a connection that died while idle is no reason to refuse.
            if not is_away(error):
                raise
            await self._disconnect()
            pipe = await self._connected()
            _, locked, rows = await pipe.run(*reading)
        batch = _Batch(locked, rows)
        if missing := batch.missing(incoming):
            _, locked, rows = await pipe.run(_make(missing), *reading[1:])
            batch = _Batch(locked, rows)
        answers = [batch.take(each) for each in incoming]
        calls = batch.calls()
        await pipe.run(*calls, (COMMIT if calls else ROLLBACK, {}))
        return answers

    async def _connected(self) -> Pipe:
        if self._pipe is None or not self._pipe.is_usable:
            self._pipe = await Pipe.open(self._url, options=PLANNER)
        return self._pipe

    async def _disconnect(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            await pipe.close()


def _parameters(incoming: list[IncomingPing]) -> dict[str, Any]:
    names = {each.name for each in incoming}
    by_slug = [
        (name.workspace_id, name.slug)
        for name in names
        if name.workspace_id is not None and name.slug is not None
    ]
    return {
        "digests": arrays.uuids([name.digest for name in names if name.digest is not None]),
        "workspace_ids": arrays.uuids([workspace_id for workspace_id, _ in by_slug]),
        "slugs": arrays.texts([slug for _, slug in by_slug]),
        "ids": arrays.uuids([name.id for name in names if name.id is not None]),
    }


def _make(names: Sequence[HeartbeatName]) -> Call:
    """Heartbeats for what bound ones have found for the first time."""
    values = [_json([value for _, value in name.values]) for name in names]
    return (
        prepared("add_bound_heartbeats"),
        {
            "ids": arrays.uuids([name.id for name in names if name.id is not None]),
            "parent_ids": arrays.uuids(
                [name.parent_id for name in names if name.parent_id is not None]
            ),
            "shown": arrays.texts([_shown(name) for name in names]),
            "labels": arrays.encoded([_json(dict(name.values)) for name in names]),
            "bound_values": arrays.encoded(values),
            "most": BOUND_LIMIT,
        },
    )


def _shown(name: HeartbeatName) -> str:
    return " ".join(f"{label}={value}" for label, value in name.values)


class _Batch:
    """The heartbeats of one transaction, as they are changed by its pings."""

    def __init__(self, locked: list[Any], rows: list[Any]) -> None:
        self._known = {row.heartbeat_id.bytes: known_of(row) for row in locked}
        self._rows: dict[HeartbeatName, Any] = {}
        for row in rows:
            if row.id.bytes not in self._known:
                continue  # made since
            self._rows[HeartbeatName(id=row.id.bytes)] = row
            self._rows[HeartbeatName(workspace_id=row.workspace_id.bytes, slug=row.slug)] = row
            if row.token_digest is not None:
                self._rows[HeartbeatName(digest=row.token_digest.bytes)] = row
        self._written: dict[bytes, KnownHeartbeat] = {}
        self._pings: dict[tuple[bytes, int], PingRow] = {}
        self._changes: list[HeartbeatChangeRow] = []

    def _row(self, name: HeartbeatName) -> Any:
        return self._rows.get(name if name.parent_id is None else HeartbeatName(id=name.id))

    def missing(self, incoming: list[IncomingPing]) -> list[HeartbeatName]:
        """What bound heartbeats have found and was never made."""
        names = {each.name for each in incoming if each.name.parent_id is not None}
        return [name for name in names if name.id is None or name.id not in self._known]

    def take(self, incoming: IncomingPing) -> PingAnswer:
        row = self._row(incoming.name)
        if row is None:
            return PingRefusal.UNKNOWN
        known = self._known[row.id.bytes]
        ping, duration_ms = incoming.ping, None
        if row.methods == "post" and incoming.method in METHODS - {"POST"}:
            outcome = PingOutcome.WRONG_METHOD
        else:
            received = receive(expectation_of(row), known.beat, ping, incoming.at)
            outcome = received.outcome
            if received.duration is not None:
                duration_ms = received.duration // timedelta(milliseconds=1)
                known.last_duration_ms = duration_ms
            if received.change is not None:
                known.paused_until = None
                failed = ping.kind is PingKind.FAIL
                self._changes.append(
                    change_row(
                        known.id,
                        received.change,
                        ping.exit_code if failed else None,
                        incoming.body if failed else None,
                    )
                )
        known.look_at = moved_look(known.look_at, known.needs_look_at)
        self._keep(known, incoming, outcome, duration_ms)
        return outcome

    def _keep(
        self,
        known: KnownHeartbeat,
        incoming: IncomingPing,
        outcome: PingOutcome,
        duration_ms: int | None,
    ) -> None:
        place = known.ping_count % PINGS_KEPT
        known.ping_count += 1
        self._written[known.id] = known
        self._pings[known.id, place] = PingRow(
            known.id,
            place,
            known.ping_count,
            incoming.at,
            incoming.ping.kind.value,
            outcome.value,
            incoming.ping.exit_code,
            None if incoming.ping.run_id is None else incoming.ping.run_id.bytes,
            duration_ms,
            incoming.method,
            incoming.body,
        )

    def calls(self) -> list[Call]:
        return writes(list(self._written.values()), self._changes, list(self._pings.values()))
