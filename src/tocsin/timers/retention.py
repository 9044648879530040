"""Forgetting on time: claims, resolves and cooldowns past their window, records past retention.

In small steps, oldest first, each its own transaction, so that no sweep ever holds up a commit. Any
number of nodes may sweep; rows that another is deleting are skipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import psycopg
from psycopg import sql

STEP = 5_000
"""Rows per transaction."""

# What expires by itself.
_EXPIRING = ("webhook_claims", "resolutions", "cooldowns", "link_codes", "sessions")

# What is kept for `retention_days`, live alerts and pending messages apart. Ids rise with time, so
# the primary key finds the old ones. What belongs to an alert or message goes after it.
_RETAINED: Mapping[str, str] = {
    "webhook_deliveries": "id < %(bound)s",
    "alerts": "id < %(bound)s AND status IN ('RESOLVED', 'CLOSED') AND updated_at < %(before)s",
    "alert_events": "id < %(bound)s"
    " AND NOT EXISTS (SELECT FROM alerts a WHERE a.id = doomed.alert_id)",
    "alert_deliveries": "id < %(bound)s AND status NOT IN ('queued', 'deferred')",
    "alert_delivery_attempts": "alert_delivery_id < %(bound)s AND NOT EXISTS"
    " (SELECT FROM alert_deliveries d WHERE d.id = doomed.alert_delivery_id)",
    "audit_events": "id < %(bound)s",
}


async def sweep_expired(connection: psycopg.AsyncConnection, now: datetime) -> int:
    """Delete what has expired; the number of rows."""
    return sum(
        [await _sweep(connection, table, "expires_at <= %(before)s", now) for table in _EXPIRING]
    )


async def sweep_old(connection: psycopg.AsyncConnection, before: datetime) -> int:
    """Delete records older than `before`; the number of rows."""
    return sum(
        [
            await _sweep(connection, table, condition, before)
            for table, condition in _RETAINED.items()
        ]
    )


async def _sweep(
    connection: psycopg.AsyncConnection, table: str, condition: str, before: datetime
) -> int:
    statement = sql.SQL(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY("
        "SELECT ctid FROM {table} doomed WHERE {condition} LIMIT {step} FOR UPDATE SKIP LOCKED))"
    ).format(
        table=sql.Identifier(table),
        condition=sql.SQL(condition),
        step=sql.Literal(STEP),
    )
    bound = UUID(int=int(before.timestamp() * 1000) << 80)
    total = 0
    while True:
        cursor = await connection.execute(statement, {"before": before, "bound": bound})
        total += cursor.rowcount
        if cursor.rowcount < STEP:
            return total
