"""Forgetting on time: claims, resolves and cooldowns past their window, records past retention.

In small steps, oldest first, each its own transaction, so that no sweep ever holds up a commit. Any
number of nodes may sweep; rows that another is deleting are skipped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from tocsin.model import KeptHistory
from tocsin.model.ids import uuid7_at_least
from tocsin.store.queries.retention_passes import begin_pass, end_pass

STEP = 1_000
"""Rows per transaction: a webhook that comes meanwhile waits for one at most."""

RESTS = 4.0
"""After each step, as many times as long as it took."""

REMOVED_AT_ONCE = 20
"""Of what was deleted, per table: its keys may have to read whole tables for each."""

# What expires by itself.
_EXPIRING = (
    "webhook_claims",
    "resolutions",
    "cooldowns",
    "link_codes",
    "sessions",
    "invitations",
    "contact_codes",
    "schedule_notices",
)

# Looked up row by row, whatever the statistics say of tables that grow and shrink: no step reads a
# whole table to delete a few rows of it.
PLANNER = """
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off
"""

# What a crash takes back is deleted again: no step makes the commits of webhooks wait for the disk.
LOSABLE = "SET synchronous_commit = off"

_OF_NO_LIVE_ALERT = (
    "NOT EXISTS (SELECT FROM alerts a WHERE a.id = doomed.alert_id"
    " AND a.status IN ('OPEN', 'ACKNOWLEDGED'))"
)

# Who was notified of the beginning of an alert is notified of its end (`read_notified_triggers.sql`).
_OF_NO_BEGINNING = (
    "NOT EXISTS (SELECT FROM alerts a WHERE a.id = doomed.alert_id"
    " AND a.status IN ('OPEN', 'ACKNOWLEDGED')"
    " AND doomed.event_type IN ('alerts.triggered', 'alerts.flapping', 'alerts.settled'))"
)

ENDED_ALERTS = (
    "id < %(bound)s AND status IN ('RESOLVED', 'CLOSED') AND updated_at < %(before)s"
    # A late trigger would be counted on it.
    " AND NOT EXISTS (SELECT FROM resolutions r WHERE r.integration_id = doomed.integration_id"
    " AND r.external_id = doomed.external_id AND r.alert_id = doomed.id)"
)
"""Alerts that go once nothing is left of their messages."""

# What is kept for some days, each kind for its own, live alerts and pending messages apart. Ids rise
# with time, so the primary key finds the old ones. An alert outlives its messages, whose key points at
# it; what has no key (events, attempts) goes after what it belongs to.
_RETAINED: Mapping[KeptHistory, Mapping[str, str]] = {
    KeptHistory.WEBHOOKS: {"webhook_deliveries": "id < %(bound)s"},
    KeptHistory.MESSAGES: {
        "alert_deliveries": "id < %(bound)s AND status NOT IN ('queued', 'deferred')"
        " AND " + _OF_NO_BEGINNING,
        "alert_delivery_attempts": "alert_delivery_id < %(bound)s AND NOT EXISTS"
        " (SELECT FROM alert_deliveries d WHERE d.id = doomed.alert_delivery_id)",
    },
    KeptHistory.ALERTS: {
        "alerts": ENDED_ALERTS
        + " AND NOT EXISTS (SELECT FROM alert_deliveries d WHERE d.alert_id = doomed.id)",
        "alert_events": "id < %(bound)s"
        " AND NOT EXISTS (SELECT FROM alerts a WHERE a.id = doomed.alert_id)",
        "alert_search": "alert_id < %(bound)s"
        " AND NOT EXISTS (SELECT FROM alerts a WHERE a.id = doomed.alert_id)",
    },
    KeptHistory.AUDIT: {"audit_events": "id < %(bound)s"},
    KeptHistory.OTHER: {
        "bulk_action_alerts": "bulk_action_id < %(bound)s AND EXISTS (SELECT FROM bulk_actions b"
        " WHERE b.id = doomed.bulk_action_id AND b.finished_at < %(before)s)",
        "bulk_actions": "id < %(bound)s AND finished_at < %(before)s"
        " AND NOT EXISTS (SELECT FROM bulk_action_alerts a WHERE a.bulk_action_id = doomed.id)",
        "heartbeat_changes": "id < %(bound)s AND processed_at IS NOT NULL",
        # Where ended alerts stood by rules that are gone.
        "inhibition_sources": _OF_NO_LIVE_ALERT + " AND look_at IS NULL",
        "inhibition_targets": _OF_NO_LIVE_ALERT,
    },
}

# What is over for good of who is on call, and of how people are reached. Where it changes, every node
# reads its configuration again, so nothing is deleted before it is known that there is something.
_PAST: Mapping[str, str] = {
    "shift_swaps": "ends_at < %(before)s AND coalesce(return_ends_at, ends_at) < %(before)s",
    "schedule_overrides": "ends_at < %(before)s",
    "schedule_versions": "effective_until < %(before)s",
    "escalation_policy_versions": "created_at < %(before)s"
    " AND NOT EXISTS (SELECT FROM escalation_policies p"
    " WHERE p.id = doomed.escalation_policy_id AND p.version = doomed.version)"
    " AND NOT EXISTS (SELECT FROM escalations e"
    " WHERE e.escalation_policy_id = doomed.escalation_policy_id"
    " AND e.policy_version = doomed.version)",
}

# What history may mention, each with who may mention it; heartbeats before their integrations, and these
# before their tenants; contact methods before their people.
_MENTIONED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "heartbeats": (("heartbeat_changes", "heartbeat_id"),),
    "alert_rules": (("alert_deliveries", "alert_rule_id"), ("escalations", "alert_rule_id")),
    "escalation_policies": (
        ("alert_rules", "escalation_policy_id"),
        ("escalations", "escalation_policy_id"),
    ),
    "alert_destinations": (
        ("alert_deliveries", "alert_destination_id"),
        ("schedules", "fallback_destination_id"),
    ),
    "schedules": (),
    "users": (
        ("alert_destinations", "user_id"),
        ("schedules", "fallback_user_id"),
        ("schedule_overrides", "user_id"),
        ("schedule_overrides", "substitute_user_id"),
        ("shift_swaps", "user_id"),
        ("shift_swaps", "taken_by"),
    ),
    "integrations": (
        ("webhook_deliveries", "integration_id"),
        ("alerts", "integration_id"),
        ("heartbeats", "integration_id"),
        ("heartbeats", "bound_integration_id"),
    ),
    "tenants": (
        ("heartbeats", "tenant_id"),
        ("integrations", "tenant_id"),
        ("alerts", "tenant_id"),
        ("alert_deliveries", "tenant_id"),
    ),
}


async def sweep_expired(connection: psycopg.AsyncConnection, now: datetime) -> int:
    """Delete what has expired; the number of rows."""
    return sum(
        [await _sweep(connection, table, "expires_at <= %(before)s", now) for table in _EXPIRING]
    )


async def sweep_old(
    connection: psycopg.AsyncConnection, before: Mapping[KeptHistory, datetime]
) -> int:
    """Delete records older than that, by kind, and note of each kind when that was and how many; the
    number of rows."""
    total = 0
    for history, tables in _RETAINED.items():
        await begin_pass(connection, history)
        deleted = sum(
            [
                await _sweep(connection, table, condition, before[history])
                for table, condition in tables.items()
            ]
        )
        await end_pass(connection, history, deleted)
        total += deleted
    return total


async def remove_past(connection: psycopg.AsyncConnection, before: datetime) -> int:
    """Remove overrides, swaps and versions of schedules and policies that were over before that moment;
    the number of rows."""
    total = 0
    for table, condition in _PAST.items():
        question = sql.SQL("SELECT EXISTS (SELECT FROM {table} doomed WHERE {condition})").format(
            table=sql.Identifier(table), condition=sql.SQL(condition)
        )
        async with connection.cursor(row_factory=scalar_row) as cursor:
            if await (await cursor.execute(question, {"before": before})).fetchone():
                total += await _sweep(connection, table, condition, before)
    return total


async def remove_deleted(connection: psycopg.AsyncConnection, before: datetime) -> int:
    """Remove what was marked as deleted before that moment and is mentioned by no history that is
    left; the number of rows.

    Not every mention has an index: each would cost more at every message than this does now and then.
    So tables are read whole here, once something is due, and nobody waits for it: only the row itself
    is locked.
    """
    total = 0
    for table, mentions in _MENTIONED.items():
        due = sql.SQL("deleted_at < {before}").format(before=sql.Literal(before))
        unmentioned = [
            sql.SQL("NOT EXISTS (SELECT FROM {by} WHERE {by}.{column} = {table}.id)").format(
                by=sql.Identifier(by), column=sql.Identifier(column), table=sql.Identifier(table)
            )
            for by, column in mentions
        ]
        # The first question costs nothing and has no answer on most days.
        for condition in (due, sql.SQL(" AND ").join([due, *unmentioned])):
            query = sql.SQL("SELECT id FROM {table} WHERE {condition} LIMIT {step}").format(
                table=sql.Identifier(table), condition=condition, step=sql.Literal(REMOVED_AT_ONCE)
            )
            async with connection.cursor(row_factory=scalar_row) as cursor:
                ids = await (await cursor.execute(query)).fetchall()
            if not ids:
                break
        for row_id in ids:
            statement = sql.SQL("DELETE FROM {table} WHERE id = %(id)s").format(
                table=sql.Identifier(table)
            )
            total += (await connection.execute(statement, {"id": row_id})).rowcount
    return total


def statement_of(table: str) -> sql.Composed:
    """One step of sweeping a table that is retained; its values are `before` and `bound`."""
    return _step(table, condition_of(table))


def condition_of(table: str) -> str:
    """Which rows of a table that is retained are past their time; by `before` and `bound`."""
    (condition,) = [tables[table] for tables in _RETAINED.values() if table in tables]
    return condition


def _step(table: str, condition: str) -> sql.Composed:
    return sql.SQL(
        "DELETE FROM {table} WHERE ctid = ANY (ARRAY("
        "SELECT ctid FROM {table} doomed WHERE {condition} LIMIT {step} FOR UPDATE SKIP LOCKED))"
    ).format(
        table=sql.Identifier(table),
        condition=sql.SQL(condition),
        step=sql.Literal(STEP),
    )


async def _sweep(
    connection: psycopg.AsyncConnection, table: str, condition: str, before: datetime
) -> int:
    statement = _step(table, condition)
    bound = uuid7_at_least(before)
    total = 0
    while True:
        began = time.monotonic()
        cursor = await connection.execute(statement, {"before": before, "bound": bound})
        total += cursor.rowcount
        if cursor.rowcount < STEP:
            return total
        await asyncio.sleep(RESTS * (time.monotonic() - began))
