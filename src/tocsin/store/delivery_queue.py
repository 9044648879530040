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
object-relational mapper on this path (`queue_statements.py`). All times are the database's, so that
clocks of nodes do not matter; this side only ever speaks of seconds from now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg.rows import class_row

from tocsin.model import AlertDeliveryStatus, AttemptOutcome, HoldReason, uuid7
from tocsin.store.delivery_news import CHANNEL
from tocsin.store.delivery_rates import DeliveryRates
from tocsin.store.queue_statements import QueueStatements, document


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


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be delivered."""

    pending: int
    oldest_seconds: float
    """Age of the oldest that should have been sent by now: not of what is deferred until later."""


class DeliveryQueue:
    """The statements over one connection. Not to be shared between tasks."""

    def __init__(self, statements: QueueStatements, node: str, lease_seconds: float) -> None:
        self._statements = statements
        self.rates = DeliveryRates(statements)
        self._node = node
        self._lease_seconds = lease_seconds

    @classmethod
    async def open(cls, url: str, node: str, lease_seconds: float) -> DeliveryQueue:
        return cls(await QueueStatements.open(url), node, lease_seconds)

    async def close(self) -> None:
        await self._statements.connection.close()

    def transaction(self) -> Any:
        return self._statements.connection.transaction()

    # Finding work

    async def due_lanes(self, floors: Mapping[UUID, int] | None = None) -> list[DueLane]:
        """Every destination with pending deliveries. With `floors`, what is fresh below them is
        overlooked."""
        text = msgspec.json.encode(floors or {}).decode()
        return await self._statements.rows(DueLane, "due_lanes", {"floors": text})

    async def begin_probes(self, destinations: Sequence[UUID], seconds: float) -> set[UUID]:
        """Of these destinations whose hold is over, those that are ours to probe."""
        return await self._statements.ids(
            "begin_probes", {"destinations": list(destinations), "seconds": seconds}
        )

    async def claim(self, claims: Sequence[Claim]) -> list[Claimed]:
        return await self._statements.rows(
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

    async def load_destinations(self, ids: Sequence[UUID]) -> list[DestinationRow]:
        return await self._statements.rows(DestinationRow, "load_destinations", {"ids": list(ids)})

    # Recording what became of it

    async def record(self, records: Sequence[AttemptRecord], reached: Iterable[UUID]) -> set[UUID]:
        """Returns the ids still ours; of the others only the attempt went on record. What held the
        destinations that were `reached` is over."""
        return await self._statements.ids(
            "record_outcomes",
            {
                "outcomes": document(records),
                "node": self._node,
                "reached": list(reached),
            },
        )

    async def settle_carried(self, ids: Sequence[UUID]) -> None:
        """What became of these messages about several alerts became of what they carry."""
        await self._statements.run("settle_carried", {"ids": list(ids)})

    async def record_failures(
        self, failures: Sequence[DestinationFailures]
    ) -> list[HeldDestination]:
        """Returns the destinations that this holds, where they were not held for that before."""
        if not failures:
            return []
        return await self._statements.rows(
            HeldDestination, "record_failures", {"failures": document(failures)}
        )

    async def notify_fallback(
        self, candidates: Sequence[FallbackCandidate], failing_seconds: float
    ) -> int:
        """How many fallback messages this made; they are announced with NOTIFY."""
        if not candidates:
            return 0
        made = await self._statements.ids(
            "notify_fallback",
            {
                "failures": document(candidates),
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
        cursor = await self._statements.connection.execute(
            "UPDATE alert_destinations SET is_enabled = false, updated_at = now()"
            " WHERE id = %s AND is_enabled",
            [destination_id],
        )
        return cursor.rowcount == 1

    async def notify(self) -> None:
        await self._statements.connection.execute(f"NOTIFY {CHANNEL}")

    # Housekeeping

    async def renew(self, ids: Sequence[UUID]) -> set[UUID]:
        """Returns those still ours."""
        return await self._statements.ids(
            "renew_leases",
            {"ids": list(ids), "node": self._node, "lease_seconds": self._lease_seconds},
        )

    async def withdraw(self, destinations: Sequence[UUID]) -> int:
        return len(
            await self._statements.ids("withdraw_deliveries", {"destinations": list(destinations)})
        )

    async def expire(self, destinations: Sequence[UUID]) -> list[ExpiredMessage]:
        """Gives up what has waited for too long at these."""
        return await self._statements.rows(
            ExpiredMessage, "expire_deliveries", {"destinations": list(destinations)}
        )

    async def backlog(self) -> Backlog:
        """What is pending, of all destinations. Reads the index of what is pending, and no more."""
        async with self._statements.connection.cursor(row_factory=class_row(Backlog)) as cursor:
            await cursor.execute(
                "SELECT count(*) AS pending, coalesce(extract(epoch FROM clock_timestamp()"
                " - min(created_at) FILTER (WHERE status = 'queued' OR send_after <= now())),"
                " 0)::float8 AS oldest_seconds"
                " FROM alert_deliveries WHERE status IN ('queued', 'deferred')"
            )
            found = await cursor.fetchone()
        assert found is not None
        return found
