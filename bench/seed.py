"""Millions of past rows, as a busy installation has them: written without indexes, then indexed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from bench.installation import Installation
from tocsin.store.embedded.configuration import SUPERUSER

_STEP = 250_000

PAST_IDS = """
WITH past AS (
    SELECT n, now() - interval '30 days' + n * interval '0.4 seconds' AS at
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
), ids AS (
    -- UUIDv7 of that time: the milliseconds, the version, and something random.
    SELECT n, at,
           (stamp || '7' || substr(noise, 1, 3) || '8' || substr(noise, 4, 15))::uuid AS delivery,
           (stamp || '7' || substr(noise, 1, 3) || '9' || substr(noise, 4, 15))::uuid AS alert
    FROM past,
        LATERAL (
            SELECT lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS stamp,
                   md5(n::text) AS noise
        ) made
)"""
"""The start of a statement: `ids`, a time in the past and two ids of that time for each `n`."""

_PAST = f"""{PAST_IDS}, deliveries AS (
    INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload, headers,
        status_code, outcome, processed_at, alert_id, created_at)
    SELECT delivery, %(integration)s, encode(sha256(n::text::bytea), 'hex'),
           json_build_object('title', 'Disk /var almost full on db' || n, 'severity', 'critical',
               'status', 'firing', 'id', 'past-' || n, 'description', repeat('97 %% used. ', 20)),
           '{{"host": "127.0.0.1", "content-type": "application/json"}}'::jsonb, 201, 'created', at,
           alert, at
    FROM ids
), alerts AS (
    INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status, source,
        external_id, triggered_at, resolved_at, labels, last_received_at, last_signal_at, created_at,
        updated_at)
    SELECT alert, %(workspace)s, %(tenant)s, %(integration)s, 'Disk /var almost full on db' || n,
           'CRITICAL', 'RESOLVED', 'bench', md5(n::text), at, at, '{{"team": "storage"}}'::jsonb, at, at,
           at, at
    FROM ids
)
INSERT INTO alert_events (id, alert_id, kind, at, actor, webhook_delivery_id)
SELECT delivery, alert, 'triggered', at, '{{"kind": "source", "name": "bench"}}'::jsonb, delivery
FROM ids
"""


def fill(installation: Installation, count: int) -> None:
    """`count` webhook deliveries, each with its alert (resolved) and event."""
    values = {
        "integration": installation.integration_id,
        "workspace": installation.workspace_id,
        "tenant": installation.tenant_id,
    }
    tables = ("webhook_deliveries", "alerts", "alert_events")
    fill_tables(installation.url, tables, _PAST, values, count)
    _checkpoint(installation)


def fill_tables(
    url: str, tables: Sequence[str], statement: str, values: Mapping[str, Any], count: int
) -> None:
    """Runs a statement that begins with `PAST_IDS` for numbers up to `count`: the tables are
    written without indexes, then indexed."""
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = _drop_indexes(connection, tables)
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '1GB'")
        for first in range(0, count, _STEP):
            last = min(first + _STEP, count) - 1
            connection.execute(statement.encode(), {**values, "first": first, "last": last})
        for definition in indexes:
            connection.execute(definition)
        for table in tables:
            connection.execute(f"VACUUM ANALYZE {table}")


def _checkpoint(installation: Installation) -> None:
    """Else what follows would be measured beside a quarter of an hour of writing all this down."""
    superuser = make_url(installation.url).set(username=SUPERUSER)
    with psycopg.connect(superuser.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute("CHECKPOINT")


def _drop_indexes(connection: psycopg.Connection[Any], tables: Sequence[str]) -> list[Any]:
    """All but the primary keys; their definitions."""
    rows = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE tablename = ANY (%s) AND indexname NOT LIKE 'pk_%%'",
        (list(tables),),
    ).fetchall()
    for name, _ in rows:
        connection.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in rows]
