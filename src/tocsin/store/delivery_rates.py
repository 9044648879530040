"""What rates say to the database: what is left of each, and what exceeds it and goes as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from tocsin.model import uuid7
from tocsin.store.queue_statements import QueueStatements, document

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


class SpentBucket(msgspec.Struct, kw_only=True):
    key: UUID
    tokens: float
    spent_at: list[datetime]


class DeliveryRates:
    """Over the connection of a queue, in its transactions."""

    def __init__(self, statements: QueueStatements) -> None:
        self._statements = statements

    async def lock_buckets(self, keys: Mapping[UUID, float]) -> list[BucketRow]:
        """Lock these rate limits to the end of the transaction; `keys` has what a new one holds."""
        names = sorted(keys)
        rows = await self._statements.rows(BucketRow, "lock_buckets", {"keys": names})
        missing = [key for key in names if key not in {row.key for row in rows}]
        if not missing:
            return rows
        await self._statements.connection.execute(
            "INSERT INTO rate_buckets (key, tokens, refilled_at)"
            " SELECT key, tokens, now() FROM unnest(%s::uuid[], %s::float8[]) AS new (key, tokens)"
            " ON CONFLICT DO NOTHING",
            [missing, [keys[key] for key in missing]],
        )
        return await self._statements.rows(BucketRow, "lock_buckets", {"keys": names})

    async def spend_buckets(self, buckets: Sequence[SpentBucket]) -> None:
        await self._statements.run("spend_buckets", {"buckets": document(buckets)})

    async def note_used_rates(self, seconds: Mapping[UUID, float]) -> None:
        """By destination, how long nothing more may go: to explain why a message waits."""
        parameters = {"destinations": list(seconds), "seconds": list(seconds.values())}
        await self._statements.run("note_used_rates", parameters)

    async def gather_storms(self, destinations: Sequence[UUID]) -> int:
        """What waits at these for tenants that have a storm there joins it; how much that was."""
        total: int = 0
        while True:
            (portion,) = await self._statements.rows(
                GatheredPortion,
                "gather_storms",
                {"destinations": list(destinations), "most": STORM_PORTION},
            )
            total += portion.gathered
            if portion.gathered < STORM_PORTION or total >= STORM_MOST:
                return total

    async def count_waiting(self, destinations: Sequence[UUID], most: int) -> list[WaitingForRate]:
        """What waits at each of these by tenant, at most so many of each severity."""
        return await self._statements.rows(
            WaitingForRate, "count_waiting", {"destinations": list(destinations), "most": most}
        )

    async def count_pages(self, contact_methods: Sequence[UUID], most: int) -> list[WaitingForRate]:
        """Pages that wait at each of these, at most so many of each severity."""
        return await self._statements.rows(
            WaitingForRate, "count_pages", {"destinations": list(contact_methods), "most": most}
        )

    async def begin_storm(
        self, id: UUID, kind: str, waiting: WaitingForRate, budget: float
    ) -> None:
        """It, or a bundle of pages, begins."""
        await self._statements.run(
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
        await self._statements.connection.execute("NOTIFY tocsin_groups")
