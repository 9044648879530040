"""The alert deliveries as a queue: everything the dispatcher says to the database.

Who moves a row of `alert_deliveries` where; a row is one message to one destination:

      planned by ingest, by a person's action, or as a test
              │                                   │
              ▼                                   ▼
         ┌─────────┐  its holds are over: a   ┌────────┐
         │ deferred│ ───────────────────────► │ queued │ ◄──────────────────────────┐
         └─────────┘  look (alerts/looks.py)  └────────┘                            │
              │                                │  ▲  │                              │
              │        claim: a lease, and the │  │  │                              │
              │        attempt is counted      ▼  │  │ retry: send_after            │
              │                           ┌──────────┴─┐ lease ran out: `unknown`   │
              │                           │queued+lease│ given back at shutdown      │
              │                           └────────────┘                            │
              │ over before it was sent;    │        │                              │
              │ destination disabled;       │ record │                              │
              │ a person cancels            ▼        ▼                              │
              │   (also from queued)     ┌──────┐ ┌────────┐   a person retries     │
              └──────────┐               │ sent │ │ failed │ ───────────────────────┤
                         ▼               └──────┘ └────────┘                        │
                    ┌──────────┐                                                    │
                    │ canceled │ ───────────────────────────────────────────────────┘
                    └──────────┘
      `suppressed` is planned as such and never moves. Tests are never canceled: they fail.

One connection each for claiming and for recording, in autocommit, with prepared statements: no
object-relational mapper on this path. All times are the database's, so that clocks of nodes do not
matter; this side only ever speaks of seconds from now.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import class_row, scalar_row
from psycopg.types.json import set_json_loads

from tocsin.model import AlertDeliveryStatus, AttemptOutcome, HoldReason, uuid7
from tocsin.store.database import connect
from tocsin.store.statements import statement

CHANNEL = "tocsin_deliveries"
"""NOTIFY on this, in the transaction that plans deliveries, wakes every dispatcher."""

# The statements are written so that each walks the front of one partial index. Statistics of a table
# whose pending rows come and go by the hundred thousand would talk the planner out of it.
PLANNER = """
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
    SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
    SET enable_memoize = off; SET jit = off;
    SET plan_cache_mode = force_generic_plan
"""


@dataclass(frozen=True, slots=True)
class DueLane:
    """How one destination with pending deliveries stands. `is_enabled` None: it was deleted.
    `held_for` in seconds, negative once the hold is over, None without one. `first_fresh` is the
    sequence of the first delivery that waits for its first attempt; `last_sequence` the newest
    drawn by anybody."""

    id: UUID
    is_enabled: bool | None
    held_for: float | None
    hold_reason: str | None
    test_is_due: bool
    first_fresh: int | None
    retry_is_due: bool
    next_in: float | None
    last_sequence: int
    configuration_version: int

    @property
    def is_due(self) -> bool:
        return self.test_is_due or self.retry_is_due or self.first_fresh is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """Ask for up to `room` deliveries of one destination; `tests_only` while it is held,
    `critical_only` where its rate has room for nothing else. Fresh ones are looked for from the
    sequence `floor` on."""

    destination_id: UUID
    room: int
    tests_only: bool = False
    floor: int = 0
    critical_only: bool = False


@dataclass(slots=True)
class Claimed:
    """One delivery under our lease. `attempt_count` is the number of the attempt now to be made;
    `behind` names receivers that still wait for an earlier message of the alert; `seconds_left` until
    it is given up (negative: it is too late); `waited` since it was due."""

    id: UUID
    workspace_id: UUID
    alert_destination_id: UUID
    alert_id: UUID | None
    event_type: str
    attempt_count: int
    payload: dict[str, Any]
    progress: dict[str, Any] | None
    behind: list[str] | None
    created_at: datetime
    sequence: int
    seconds_left: float
    waited: float
    at: datetime
    """When it was claimed."""
    configuration_version: int
    is_page: bool = False

    @property
    def carries_others(self) -> bool:
        """Whether it is about several alerts, and so stands for other deliveries."""
        return "group" in self.payload


STORM_PORTION = 1_000
"""Messages that join a storm in one statement, of each severity."""

STORM_MOST = 10_000
"""And in one transaction."""


@dataclass(frozen=True, slots=True)
class GatheredPortion:
    gathered: int


@dataclass(frozen=True, slots=True)
class WaitingForRate:
    """What waits at one destination of one tenant (of pages: of any). The rule is that of any of it."""

    alert_destination_id: UUID
    tenant_id: UUID
    workspace_id: UUID
    alert_rule_id: UUID
    waiting: int


@dataclass(frozen=True, slots=True)
class BucketRow:
    key: UUID
    tokens: float
    refilled_at: datetime
    spent_at: list[datetime]
    at: datetime


@dataclass(frozen=True, slots=True)
class DestinationRow:
    id: UUID
    name: str
    type: str
    is_enabled: bool
    config: dict[str, Any]
    secret_config: bytes | None
    workspace_id: UUID
    slug: str
    workspace_name: str
    person: str | None
    """Whose contact method it is, by name."""


class AttemptRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of one attempt. `status` is the row's next, `outcome` the attempt's, None if none
    was made. `age_ms` is since the attempt began."""

    id: UUID
    number: int
    destination: UUID
    status: AlertDeliveryStatus
    outcome: AttemptOutcome | None = None
    delay: float | None = None
    http_status: int | None = None
    code: str | None = None
    message: str | None = None
    age_ms: float
    duration_ms: int
    progress: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None
    reason: str | None = None


class DestinationFailures(msgspec.Struct, kw_only=True):
    """What a group of attempts says of a destination (see `record_failures.sql`)."""

    destination: UUID
    failures: int
    hold: HoldReason | None = None
    throttle: float | None = None
    answered: bool = False


@dataclass(frozen=True, slots=True)
class HeldDestination:
    """A destination that failures just now hold, for another reason than before."""

    id: UUID
    name: str
    workspace: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExpiredMessage:
    """A message given up because it waited for too long; `name` and `channel` are its destination's."""

    id: UUID
    alert_destination_id: UUID
    name: str
    channel: str


class FallbackCandidate(msgspec.Struct, kw_only=True):
    """A delivery that just failed; `given_up` for good; `broken`: its destination is, too."""

    id: UUID
    given_up: bool
    broken: bool


class SpentBucket(msgspec.Struct, kw_only=True):
    key: UUID
    tokens: float
    spent_at: list[datetime]


_json = msgspec.json.Encoder()


def _document(items: Iterable[Any]) -> str:
    return _json.encode(list(items)).decode()


class NoticeOfWork:
    """Yields when it begins, and whenever somebody says that deliveries are pending. The first is
    for what may have been missed before."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, url: str) -> NoticeOfWork:
        return cls(await connect(url))

    async def close(self) -> None:
        await self._connection.close()

    async def __aiter__(self) -> AsyncIterator[None]:
        await self._connection.execute(f"LISTEN {CHANNEL}")
        yield
        async for _ in self._connection.notifies():
            yield


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be delivered."""

    pending: int
    oldest_seconds: float
    """Age of the oldest that should have been sent by now: not of what is deferred until later."""


class DeliveryQueue:
    """The statements over one connection. Not to be shared between tasks."""

    def __init__(self, connection: AsyncConnection[Any], node: str, lease_seconds: float) -> None:
        self._connection = connection
        self._node = node
        self._lease_seconds = lease_seconds

    @classmethod
    async def open(cls, url: str, node: str, lease_seconds: float) -> DeliveryQueue:
        connection = await connect(url)
        set_json_loads(msgspec.json.decode, connection)
        await connection.execute(PLANNER)
        return cls(connection, node, lease_seconds)

    async def close(self) -> None:
        await self._connection.close()

    def transaction(self) -> Any:
        return self._connection.transaction()

    # Finding work

    async def due_lanes(self, floors: Mapping[UUID, int] | None = None) -> list[DueLane]:
        """Every destination with pending deliveries. With `floors`, what is fresh below them is
        overlooked."""
        text = _json.encode(floors or {}).decode()
        return await self._rows(DueLane, "due_lanes", {"floors": text})

    async def begin_probes(self, destinations: Sequence[UUID], seconds: float) -> set[UUID]:
        """Of these destinations whose hold is over, those that are ours to probe."""
        return await self._ids(
            "begin_probes", {"destinations": list(destinations), "seconds": seconds}
        )

    async def claim(self, claims: Sequence[Claim]) -> list[Claimed]:
        return await self._rows(
            Claimed,
            "claim_deliveries",
            {
                "destinations": [claim.destination_id for claim in claims],
                "rooms": [claim.room for claim in claims],
                "tests_only": [claim.tests_only for claim in claims],
                "floors": [claim.floor for claim in claims],
                "critical_only": [claim.critical_only for claim in claims],
                "node": self._node,
                "lease_seconds": self._lease_seconds,
            },
        )

    async def lock_buckets(self, keys: Mapping[UUID, float]) -> list[BucketRow]:
        """Lock these rate limits to the end of the transaction; `keys` has what a new one holds."""
        names = sorted(keys)
        rows = await self._rows(BucketRow, "lock_buckets", {"keys": names})
        missing = [key for key in names if key not in {row.key for row in rows}]
        if not missing:
            return rows
        await self._connection.execute(
            "INSERT INTO rate_buckets (key, tokens, refilled_at)"
            " SELECT key, tokens, now() FROM unnest(%s::uuid[], %s::float8[]) AS new (key, tokens)"
            " ON CONFLICT DO NOTHING",
            [missing, [keys[key] for key in missing]],
        )
        return await self._rows(BucketRow, "lock_buckets", {"keys": names})

    async def spend_buckets(self, buckets: Sequence[SpentBucket]) -> None:
        await self._run("spend_buckets", {"buckets": _document(buckets)})

    async def note_used_rates(self, seconds: Mapping[UUID, float]) -> None:
        """By destination, how long nothing more may go: to explain why a message waits."""
        parameters = {"destinations": list(seconds), "seconds": list(seconds.values())}
        await self._run("note_used_rates", parameters)

    async def load_destinations(self, ids: Sequence[UUID]) -> list[DestinationRow]:
        return await self._rows(DestinationRow, "load_destinations", {"ids": list(ids)})

    # Storms

    async def gather_storms(self, destinations: Sequence[UUID]) -> int:
        """What waits at these for tenants that have a storm there joins it; how much that was."""
        total: int = 0
        while True:
            (portion,) = await self._rows(
                GatheredPortion,
                "gather_storms",
                {"destinations": list(destinations), "most": STORM_PORTION},
            )
            total += portion.gathered
            if portion.gathered < STORM_PORTION or total >= STORM_MOST:
                return total

    async def count_waiting(self, destinations: Sequence[UUID], most: int) -> list[WaitingForRate]:
        """What waits at each of these by tenant, at most so many of each severity."""
        return await self._rows(
            WaitingForRate, "count_waiting", {"destinations": list(destinations), "most": most}
        )

    async def count_pages(self, contact_methods: Sequence[UUID], most: int) -> list[WaitingForRate]:
        """Pages that wait at each of these, at most so many of each severity."""
        return await self._rows(
            WaitingForRate, "count_pages", {"destinations": list(contact_methods), "most": most}
        )

    async def begin_storm(
        self, id: UUID, kind: str, waiting: WaitingForRate, budget: float
    ) -> None:
        """It, or a bundle of pages, begins."""
        await self._run(
            "begin_storm",
            {
                "id": id,
                "kind": kind,
                "thread_id": uuid7(),
                "workspace_id": waiting.workspace_id,
                "tenant_id": waiting.tenant_id,
                "rule_id": waiting.alert_rule_id,
                "destination_id": waiting.alert_destination_id,
                "budget": budget,
            },
        )

    async def notify_groups(self) -> None:
        await self._connection.execute("NOTIFY tocsin_groups")

    # Recording what became of it

    async def record(self, records: Sequence[AttemptRecord], reached: Iterable[UUID]) -> set[UUID]:
        """Returns the ids still ours; of the others only the attempt went on record. What held the
        destinations that were `reached` is over."""
        return await self._ids(
            "record_outcomes",
            {
                "outcomes": _document(records),
                "node": self._node,
                "reached": list(reached),
            },
        )

    async def settle_carried(self, ids: Sequence[UUID]) -> None:
        """What became of these messages about several alerts became of what they carry."""
        await self._run("settle_carried", {"ids": list(ids)})

    async def record_failures(
        self, failures: Sequence[DestinationFailures]
    ) -> list[HeldDestination]:
        """Returns the destinations that this holds, where they were not held for that before."""
        if not failures:
            return []
        return await self._rows(
            HeldDestination, "record_failures", {"failures": _document(failures)}
        )

    async def notify_fallback(
        self, candidates: Sequence[FallbackCandidate], failing_seconds: float
    ) -> int:
        """How many fallback messages this made; they are announced with NOTIFY."""
        if not candidates:
            return 0
        made = await self._ids(
            "notify_fallback",
            {
                "failures": _document(candidates),
                "failing_seconds": failing_seconds,
                # Each may make two: for its destination and for itself.
                "ids": [uuid7() for _ in range(2 * len(candidates))],
            },
        )
        if made:
            await self.notify()
        return len(made)

    async def disable(self, destination_id: UUID) -> bool:
        """In a transaction of its own: the change of configuration waits for batches of webhooks,
        and they may wait for rows that a recording transaction holds."""
        cursor = await self._connection.execute(
            "UPDATE alert_destinations SET is_enabled = false, updated_at = now()"
            " WHERE id = %s AND is_enabled",
            [destination_id],
        )
        return cursor.rowcount == 1

    async def notify(self) -> None:
        await self._connection.execute(f"NOTIFY {CHANNEL}")

    # Housekeeping

    async def renew(self, ids: Sequence[UUID]) -> set[UUID]:
        """Returns those still ours."""
        return await self._ids(
            "renew_leases",
            {"ids": list(ids), "node": self._node, "lease_seconds": self._lease_seconds},
        )

    async def withdraw(self, destinations: Sequence[UUID]) -> int:
        return len(await self._ids("withdraw_deliveries", {"destinations": list(destinations)}))

    async def expire(self, destinations: Sequence[UUID]) -> list[ExpiredMessage]:
        """Gives up what has waited for too long at these."""
        return await self._rows(
            ExpiredMessage, "expire_deliveries", {"destinations": list(destinations)}
        )

    async def backlog(self) -> Backlog:
        """What is pending, of all destinations. Reads the index of what is pending, and no more."""
        async with self._connection.cursor(row_factory=class_row(Backlog)) as cursor:
            await cursor.execute(
                "SELECT count(*) AS pending, coalesce(extract(epoch FROM clock_timestamp()"
                " - min(created_at) FILTER (WHERE status = 'queued' OR send_after <= now())),"
                " 0)::float8 AS oldest_seconds"
                " FROM alert_deliveries WHERE status IN ('queued', 'deferred')"
            )
            found = await cursor.fetchone()
        assert found is not None
        return found

    # How it is said

    async def _rows(
        self, kind: type[Any], name: str, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        async with self._connection.cursor(binary=True, row_factory=class_row(kind)) as cursor:
            await cursor.execute(statement(name), parameters, prepare=True)
            return await cursor.fetchall()

    async def _ids(self, name: str, parameters: Mapping[str, Any]) -> set[UUID]:
        async with self._connection.cursor(binary=True, row_factory=scalar_row) as cursor:
            await cursor.execute(statement(name), parameters, prepare=True)
            return set(await cursor.fetchall())

    async def _run(self, name: str, parameters: Mapping[str, Any]) -> None:
        await self._connection.execute(statement(name), parameters, prepare=True)
