"""A plan that is made while the tables are empty stays until somebody analyses them, and a hub may get
its first ten thousand alerts before that. So each statement of the hot paths must look its rows up even
by such a plan: no scan of a whole table or index, on any supported server."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from tests.support.postgres import Database
from tocsin.store.clock import PLANNER as CLOCK
from tocsin.store.pipe import PLANNER as INGEST
from tocsin.store.queue_statements import PLANNER as DELIVERY
from tocsin.store.statements import statement

pytestmark = pytest.mark.unused_database

UUIDS, TEXTS, TIMES, INTS = "uuid[]", "text[]", "timestamptz[]", "int[]"

INGEST_STATEMENTS: dict[str, dict[str, str]] = {
    "read_alert_keys": {"integration_ids": UUIDS, "external_ids": TEXTS, "now": "timestamptz"},
    "update_alerts": {
        "id": UUIDS,
        "severity": TEXTS,
        "status": TEXTS,
        "acknowledged_at": TIMES,
        "resolved_at": TIMES,
        "closed_at": TIMES,
        "occurrence_count": INTS,
        "last_received_at": TIMES,
        "last_signal_at": TIMES,
        "snoozed_until": TIMES,
        "snoozed_by": TEXTS,
        "flaps": TEXTS,
        "updated_at": TIMES,
    },
    "read_alerts": {"ids": UUIDS},
    "replace_alert_words": {
        "id": UUIDS,
        "title": TEXTS,
        "description": TEXTS,
        "labels": TEXTS,
        "metadata": TEXTS,
        "words_digest": UUIDS,
    },
    "take_over_claims": {
        "integration_id": UUIDS,
        "digest": UUIDS,
        "webhook_delivery_id": UUIDS,
        "expires_at": TIMES,
    },
    "find_alert_key": {"id": "uuid", "workspace_id": "uuid"},
    "count_late_occurrences": {"ids": UUIDS, "more": INTS, "received": TIMES},
    "find_first_deliveries": {"integration_ids": UUIDS, "digests": UUIDS},
    "stored_webhooks": {"ids": UUIDS},
    "recall_claims": {
        "integration_id": UUIDS,
        "digest": UUIDS,
        "delivery_id": UUIDS,
        "key": TEXTS,
        "fingerprint": TEXTS,
        "since": TIMES,
        "until": TIMES,
        "now": "timestamptz",
        "expires_at": "timestamptz",
    },
    "read_alert_details": {"ids": UUIDS},
    "read_notified_triggers": {"ids": UUIDS, "with_held": "bigint", "with_past": "bigint"},
    "read_held": {"ids": UUIDS},
    "cancel_unsent": {"alerts": UUIDS},
    "settle_held": {
        "ids": UUIDS,
        "statuses": TEXTS,
        "reasons": TEXTS,
        "send_after": TIMES,
        "details": TEXTS,
        "payloads": TEXTS,
        "now": "timestamptz",
        "group_ids": UUIDS,
    },
    "carry_deliveries": {
        "ids": UUIDS,
        "carrier_ids": UUIDS,
        "reasons": TEXTS,
        "now": "timestamptz",
    },
    "carry_group": {"id": "uuid", "carrier_id": "uuid", "now": "timestamptz"},
    "read_group": {"id": "uuid"},
    "tally_group": {"id": "uuid", "now": "timestamptz", "most": "bigint"},
    "forget_members": {"id": "uuid"},
    "read_cooldowns": {"alert_keys": UUIDS},
    "void_if_cooled": {"alert_keys": UUIDS},
    "join_groups": {
        "ids": UUIDS,
        "threads": UUIDS,
        "workspace_ids": UUIDS,
        "tenant_ids": UUIDS,
        "rule_ids": UUIDS,
        "destination_ids": UUIDS,
        "labels": TEXTS,
        "kinds": TEXTS,
        "look_at": TIMES,
        "next_at": TIMES,
        "now": "timestamptz",
        "may_wait": "text",
        "member_groups": UUIDS,
        "member_alerts": UUIDS,
        "member_known": INTS,
    },
    "forget_cooldowns": {"destination_ids": UUIDS, "alert_keys": UUIDS},
}
HEARTBEAT_STATEMENTS: dict[str, dict[str, str]] = {
    "lock_heartbeats": {
        "digests": UUIDS,
        "workspace_ids": UUIDS,
        "slugs": TEXTS,
        "ids": UUIDS,
    },
    "read_heartbeats": {
        "digests": UUIDS,
        "workspace_ids": UUIDS,
        "slugs": TEXTS,
        "ids": UUIDS,
    },
    "lock_due_heartbeats": {"now": "timestamptz", "most": "bigint"},
    "claim_heartbeat_changes": {"now": "timestamptz", "ids": UUIDS},
    "update_heartbeat_statuses": {
        "heartbeat_id": UUIDS,
        "state": TEXTS,
        "last_ping_at": TIMES,
        "started_at": TIMES,
        "run_id": UUIDS,
        "due_at": TIMES,
        "due_reason": TEXTS,
        "look_at": TIMES,
        "paused_until": TIMES,
        "down_since": TIMES,
        "successes": INTS,
        "ended_run_id": UUIDS,
        "ended_with": TEXTS,
        "waiting_since": TIMES,
        "ping_count": "bigint[]",
        "last_duration_ms": "bigint[]",
    },
}
DELIVERY_STATEMENTS: dict[str, dict[str, str]] = {
    "record_outcomes": {"outcomes": "json", "node": "text", "reached": UUIDS},
    "renew_leases": {"lease_seconds": "float8", "ids": UUIDS, "node": "text"},
}
CLOCK_STATEMENTS: dict[str, dict[str, str]] = {
    "clock_state": {},
    "due_holds": {
        "now": "timestamptz",
        "most": "int",
        "except_ids": UUIDS,
        "except_workspaces": UUIDS,
    },
    "held_alerts": {"workspace_ids": UUIDS, "after": "uuid", "most": "int"},
}
STATEMENTS = INGEST_STATEMENTS | HEARTBEAT_STATEMENTS | DELIVERY_STATEMENTS | CLOCK_STATEMENTS
GROWING = (
    "alerts|alert_events|alert_deliveries|webhook_claims|webhook_deliveries|cooldowns|resolutions"
    "|heartbeats|heartbeat_statuses|heartbeat_pings|heartbeat_changes"
)

ONE = "'00000000-0000-7000-8000-000000000001'::uuid"
"""The id of the one workspace, tenant, integration, rule and destination."""

SETTING = f"""
    INSERT INTO workspaces (id, slug, name) VALUES ({ONE}, 'w', 'W');
    INSERT INTO tenants (id, workspace_id, slug, name) VALUES ({ONE}, {ONE}, 't', 'T');
    INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)
    VALUES ({ONE}, {ONE}, {ONE}, 'i', 'generic', 'sealed');
    INSERT INTO alert_destinations (id, workspace_id, name, type) VALUES ({ONE}, {ONE}, 'd', 'webhook');
    INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)
    VALUES ({ONE}, {ONE}, 'r', '{{}}', '{{}}');
"""
FILL = f"""
    INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, source,
        external_id, triggered_at, last_received_at, last_signal_at)
    SELECT gen_random_uuid(), {ONE}, {ONE}, {ONE}, 't', 'HIGH', 's', n::text, now(), now(), now()
    FROM generate_series(1, 30000) AS n;
    INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id, alert_destination_id,
        alert_id, event_type, status, reason)
    SELECT gen_random_uuid(), {ONE}, {ONE}, {ONE}, {ONE}, id, 'alerts.triggered', 'queued', 'rule'
    FROM alerts WHERE status = 'OPEN' LIMIT 2000;
    INSERT INTO webhook_claims (integration_id, digest, webhook_delivery_id, expires_at)
    SELECT w, gen_random_uuid(), w, now() FROM generate_series(1, 2000), gen_random_uuid() AS w;
    INSERT INTO cooldowns (problem, alert_rule_id, alert_destination_id, told_at, expires_at)
    SELECT gen_random_uuid(), w, w, now(), now()
    FROM generate_series(1, 2000), gen_random_uuid() AS w;
    INSERT INTO heartbeats (id, workspace_id, tenant_id, integration_id, name, slug, kind,
        period_seconds, grace_seconds, token_digest)
    SELECT gen_random_uuid(), {ONE}, {ONE}, {ONE}, n::text, n::text, 'interval', 60, 60,
           gen_random_uuid()
    FROM generate_series(1, 5000) AS n;
    INSERT INTO heartbeat_statuses (heartbeat_id, due_at, look_at)
    SELECT id, now(), now() FROM heartbeats;
    INSERT INTO heartbeat_changes (id, heartbeat_id, at, before, after, reason, processed_at)
    SELECT gen_random_uuid(), id, now(), 'up', 'down', 'fail', now() FROM heartbeats
"""


def test_a_plan_made_while_all_was_empty_looks_rows_up(every_database: Database) -> None:
    url = every_database.url
    with (
        psycopg.connect(url, autocommit=True, options=INGEST) as ingest,
        psycopg.connect(url, autocommit=True) as delivery,
        psycopg.connect(url, autocommit=True) as clock,
    ):
        delivery.execute(DELIVERY)
        clock.execute(CLOCK)
        connections = {
            **dict.fromkeys(INGEST_STATEMENTS | HEARTBEAT_STATEMENTS, ingest),
            **dict.fromkeys(DELIVERY_STATEMENTS, delivery),
            **dict.fromkeys(CLOCK_STATEMENTS, clock),
        }
        for name, connection in connections.items():
            _prepare(connection, name)
            _plan(connection, name)
        ingest.execute(SETTING + FILL)
        scans = {name: _whole(_plan(each, name)) for name, each in connections.items()}
    assert {name: found for name, found in scans.items() if found} == {}


PAST = f"""
    INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status, source,
        external_id, triggered_at, last_received_at, last_signal_at)
    SELECT gen_random_uuid(), {ONE}, {ONE}, {ONE}, 't', 'HIGH', 'RESOLVED', 's', n::text,
           now() - n * interval '1 minute', now(), now()
    FROM generate_series(1, 20000) AS n;
    INSERT INTO resolutions (integration_id, external_id, occurred_at, expires_at)
    SELECT w, n::text, now(), now() - interval '1 minute'
    FROM generate_series(1, 2000) AS n, gen_random_uuid() AS w;
    ANALYZE
"""


def test_a_plan_made_by_statistics_of_a_quiet_year_looks_rows_up_in_a_storm(
    every_database: Database,
) -> None:
    """They say that nothing is live, which makes reading all that is look cheap."""
    with psycopg.connect(every_database.url, autocommit=True, options=INGEST) as connection:
        connection.execute(SETTING + PAST)
        connection.execute(FILL)
        for name in INGEST_STATEMENTS:
            _prepare(connection, name)
        scans = {name: _whole(_plan(connection, name)) for name in INGEST_STATEMENTS}
    assert {name: found for name, found in scans.items() if found} == {}


def test_claims_are_recalled_by_what_was_claimed_whatever_is_known_of_the_table(
    every_database: Database,
) -> None:
    """By the time of receipt, all that came within the window would be read for each of a chunk."""
    with psycopg.connect(every_database.url, autocommit=True, options=INGEST) as connection:
        connection.execute(SETTING)
        _prepare(connection, "recall_claims")
        plans = [_plan(connection, "recall_claims")]
        connection.execute(
            "INSERT INTO webhook_deliveries (id, integration_id, idempotency_key,"
            " content_fingerprint, raw_payload, status_code, outcome, processed_at)"
            f" SELECT gen_random_uuid(), {ONE}, md5(n::text), md5(n::text), '1', 201, 'created', now()"
            " FROM generate_series(1, 5000) AS n"
        )
        for statement_before in ("DISCARD PLANS", "ANALYZE"):
            connection.execute(statement_before)
            plans.append(_plan(connection, "recall_claims"))
    for plan in plans:
        assert "ix_webhook_deliveries_integration_id_fingerprint_created_at" in plan
        assert "ix_webhook_deliveries_integration_id_idempotency_key" in plan
        assert "ix_webhook_deliveries_integration_id_created_at" not in plan


def _prepare(connection: psycopg.Connection[Any], name: str) -> None:
    kinds = list(STATEMENTS[name])
    text = re.sub(
        r"%\((\w+)\)s", lambda found: f"${kinds.index(found[1]) + 1}", statement(name).decode()
    )
    types = f"({', '.join(STATEMENTS[name].values())})" if kinds else ""
    connection.execute(f"PREPARE {name} {types} AS {text}")


def _plan(connection: psycopg.Connection[Any], name: str) -> str:
    """The cached one: generic, and made at the first call."""
    nothing = ", ".join(["NULL"] * len(STATEMENTS[name]))
    given = f"({nothing})" if nothing else ""
    rows = connection.execute(f"EXPLAIN (COSTS off) EXECUTE {name} {given}")
    return "\n".join(row[0] for row in rows)


def _whole(plan: str) -> list[str]:
    """The scans of a growing table that read all of it, or all of one of its indexes."""
    found = re.findall(rf"(\w[\w ]* Scan (?:using \w+ )?on (?:{GROWING})\b[^\n]*)(\n[^\n]*)?", plan)
    return [scan for scan, below in found if "Index Cond" not in below]
