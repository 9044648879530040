"""How much history there is, and how much of it is past its time.

Counted up to a bound, by indexes alone; what is more is estimated by the planner, which knows from its
statistics how many rows a condition finds without reading them. So it takes no longer with millions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import sql
from sqlalchemy import Select, select, text

from tocsin.model import KeptHistory
from tocsin.model.figures import Certainty, Figure, judged
from tocsin.model.ids import uuid7_at_least
from tocsin.store.database import Connection, DatabaseSession
from tocsin.store.queries.retention import ENDED_ALERTS, condition_of
from tocsin.store.tables import Heartbeat, Integration

MOST_ROWS: Final = 10_000
MOST_DUE: Final = 1_000
"""Whether each is past its time takes a look at what mentions it."""
MOST_OWNERS: Final = 1_000
"""Integrations and heartbeats of a workspace whose history is looked at."""

# By indexes, whatever the statistics say: a count that stops early reads no table from its beginning.
_BY_INDEX: Final = "SELECT " + ", ".join(
    f"set_config('enable_{way}', 'off', true)"
    for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin")
)

_OF_INTEGRATIONS = "integration_id = ANY (%(integration_ids)s)"
_OF_HEARTBEATS = "heartbeat_id = ANY (%(heartbeat_ids)s)"
_OF_WORKSPACE = "workspace_id = %(workspace_id)s"

# Messages go before their alerts, in the same pass: only those that stay keep an alert.
_ALERTS_DUE = (
    ENDED_ALERTS + " AND NOT EXISTS (SELECT FROM alert_deliveries d WHERE d.alert_id = doomed.id"
    " AND (d.id >= %(messages_bound)s OR d.status IN ('queued', 'deferred')))"
)
_OLD = "id < %(bound)s"


@dataclass(frozen=True, slots=True)
class KeptTable:
    """A table of which history is kept for a time. Conditions are those of its rows, as `doomed`."""

    name: str
    kind: KeptHistory
    key: str
    """Rises with time, and has an index."""
    at: str | None
    """The time of a row; None: it has none of its own."""
    due: str | None
    """Which rows are past their time; None: they go with what they belong to."""
    old: str = _OLD
    """The part of that of which the planner has statistics."""


@dataclass(frozen=True, slots=True)
class OwnTable:
    """The part of one workspace. `of_each`: the rows are found by what they belong to, these ids."""

    table: KeptTable
    own: str
    of_each: str | None = None


_WEBHOOKS = KeptTable(
    "webhook_deliveries",
    KeptHistory.WEBHOOKS,
    "id",
    "created_at",
    condition_of("webhook_deliveries"),
)
_CHANGES = KeptTable(
    "heartbeat_changes", KeptHistory.OTHER, "id", "at", condition_of("heartbeat_changes")
)
_MESSAGES = KeptTable(
    "alert_deliveries",
    KeptHistory.MESSAGES,
    "id",
    "created_at",
    condition_of("alert_deliveries"),
)
_ALERTS = KeptTable(
    "alerts",
    KeptHistory.ALERTS,
    "id",
    "created_at",
    _ALERTS_DUE,
    _OLD + " AND status IN ('RESOLVED', 'CLOSED')",
)
_AUDIT = KeptTable("audit_events", KeptHistory.AUDIT, "id", "at", condition_of("audit_events"))
_BULK = KeptTable(
    "bulk_actions",
    KeptHistory.OTHER,
    "id",
    "created_at",
    _OLD + " AND finished_at < %(before)s",
)

OWN_TABLES: Final = (
    # Those of an integration stand in its index by the time they were stored, not by their ids.
    OwnTable(
        KeptTable(
            _WEBHOOKS.name,
            _WEBHOOKS.kind,
            "created_at",
            "created_at",
            "created_at < %(before)s",
            "created_at < %(before)s",
        ),
        _OF_INTEGRATIONS,
        "integration",
    ),
    OwnTable(_MESSAGES, _OF_WORKSPACE),
    OwnTable(_ALERTS, _OF_WORKSPACE),
    OwnTable(_AUDIT, _OF_WORKSPACE),
    OwnTable(_BULK, _OF_WORKSPACE),
    OwnTable(_CHANGES, _OF_HEARTBEATS, "heartbeat"),
)
"""What a workspace has history in."""

ALL_TABLES: Final = (
    _WEBHOOKS,
    _MESSAGES,
    KeptTable(
        "alert_delivery_attempts", KeptHistory.MESSAGES, "alert_delivery_id", "started_at", None
    ),
    _ALERTS,
    KeptTable("alert_events", KeptHistory.ALERTS, "id", "at", None),
    KeptTable("alert_search", KeptHistory.ALERTS, "alert_id", None, None),
    _AUDIT,
    _BULK,
    KeptTable("bulk_action_alerts", KeptHistory.OTHER, "bulk_action_id", None, None),
    _CHANGES,
)
"""What the whole installation has."""


@dataclass(frozen=True, slots=True)
class HistoryFigures:
    """`due` None: its rows go with what they belong to. `size`: in bytes, with its indexes; None of a
    part of a table."""

    table: str
    kind: KeptHistory
    rows: Figure
    due: Figure | None
    oldest_at: datetime | None
    size: int | None = None


async def figures_of_workspace(
    session: DatabaseSession, workspace_id: UUID, before: Mapping[KeptHistory, datetime]
) -> list[HistoryFigures]:
    """What one workspace has, and of it what is older than that."""
    owners = {
        name: (await session.scalars(_owners(table, workspace_id))).all()
        for name, table in (("integration", Integration), ("heartbeat", Heartbeat))
    }
    values = {
        "workspace_id": workspace_id,
        **{f"{name}_ids": list(ids[:MOST_OWNERS]) for name, ids in owners.items()},
    }
    connection = await _by_index(session)
    found = []
    for each in OWN_TABLES:
        is_cut = each.of_each is not None and len(owners[each.of_each]) > MOST_OWNERS
        asked = {**values, **_bounds(each.table.kind, before)}
        found.append(await _look(connection, each.table, each.own, each.of_each, asked, is_cut))
    return found


async def figures_of_installation(
    session: DatabaseSession, before: Mapping[KeptHistory, datetime]
) -> list[HistoryFigures]:
    """What all workspaces have together, table by table."""
    connection = await _by_index(session)
    return [
        await _look(connection, each, "true", None, _bounds(each.kind, before), is_cut=False)
        for each in ALL_TABLES
    ]


def _owners(table: type[Integration] | type[Heartbeat], workspace_id: UUID) -> Select[UUID]:
    """Also what was deleted: its history is there still."""
    return select(table.id).where(table.workspace_id == workspace_id).limit(MOST_OWNERS + 1)


async def _by_index(session: DatabaseSession) -> Connection:
    await session.execute(text(_BY_INDEX))
    return await session.connection()


def _bounds(kind: KeptHistory, before: Mapping[KeptHistory, datetime]) -> dict[str, Any]:
    return {
        "before": before[kind],
        "bound": uuid7_at_least(before[kind]),
        "messages_bound": uuid7_at_least(before[KeptHistory.MESSAGES]),
    }


async def _look(
    connection: Connection,
    table: KeptTable,
    own: str,
    of_each: str | None,
    values: Mapping[str, Any],
    is_cut: bool,
) -> HistoryFigures:
    statement = statement_of_figures(table, own, of_each)
    row = (await connection.exec_driver_sql(statement, dict(values))).mappings().one()

    async def figure(counted: int, most: int, condition: str) -> Figure:
        if counted <= most:
            # Of more owners than were looked at there may be more.
            return Figure(counted, Certainty.MORE if is_cut else Certainty.EXACT)
        return judged(counted, most, await _estimate(connection, table.name, condition, values))

    return HistoryFigures(
        table.name,
        table.kind,
        await figure(row["rows"], MOST_ROWS, own),
        None if table.due is None else await figure(row["due"], MOST_DUE, f"{own} AND {table.old}"),
        row["oldest_at"],
        row["size"],
    )


def statement_of_figures(table: KeptTable, own: str, of_each: str | None) -> str:
    """One row: `rows` and `due`, counted up to their bounds, `oldest_at` and `size`."""
    name = sql.Identifier(table.name)
    count = "(SELECT count(*) FROM (SELECT FROM {table} doomed WHERE {condition} LIMIT {most}) few)"

    def counted(condition: str, most: int) -> sql.Composed:
        return sql.SQL(count).format(
            table=name, condition=sql.SQL(condition), most=sql.Literal(most + 1)
        )

    if table.at is None:
        oldest: sql.Composable = sql.SQL("NULL::timestamptz")
    elif of_each is None:
        oldest = sql.SQL(
            "(SELECT {at} FROM {table} doomed WHERE {own} ORDER BY {key} LIMIT 1)"
        ).format(
            at=sql.Identifier(table.at),
            table=name,
            own=sql.SQL(own),
            key=sql.Identifier(table.key),
        )
    else:
        oldest = sql.SQL(
            "(SELECT min(first.at) FROM unnest({ids}::uuid[]) AS owner (id), LATERAL ("
            "SELECT {at} AS at FROM {table} WHERE {owner} = owner.id ORDER BY {key} LIMIT 1) first)"
        ).format(
            ids=sql.Placeholder(f"{of_each}_ids"),
            at=sql.Identifier(table.at),
            table=name,
            owner=sql.Identifier(f"{of_each}_id"),
            key=sql.Identifier(table.key),
        )
    size = "pg_total_relation_size({table}::regclass)" if own == "true" else "NULL::bigint"
    return (
        sql.SQL("SELECT {rows} AS rows, {due} AS due, {oldest} AS oldest_at, {size} AS size")
        .format(
            rows=counted(own, MOST_ROWS),
            due=sql.SQL("0") if table.due is None else counted(f"{own} AND {table.due}", MOST_DUE),
            oldest=oldest,
            size=sql.SQL(size).format(table=sql.Literal(table.name)),
        )
        .as_string(None)
    )


async def _estimate(
    connection: Connection, table: str, condition: str, values: Mapping[str, Any]
) -> int:
    """How many rows the planner expects."""
    statement = sql.SQL(
        "EXPLAIN (FORMAT JSON) SELECT FROM {table} doomed WHERE {condition}"
    ).format(table=sql.Identifier(table), condition=sql.SQL(condition))
    plans: Sequence[Any] = (
        await connection.exec_driver_sql(statement.as_string(None), dict(values))
    ).scalar_one()
    return int(plans[0]["Plan"]["Plan Rows"])
