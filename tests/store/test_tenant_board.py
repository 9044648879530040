"""The board of tenants reads what it shows, however many alerts, messages and heartbeats there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.store.test_list_plans import plan
from tests.support.postgres import Server
from tocsin.model import AlertStatus, Severity
from tocsin.model.alert_filter import AlertFilter
from tocsin.store.queries.alert_list import listing
from tocsin.store.statements import statement

ONE = UUID(int=1)
TENANT = UUID("00000000-0000-0000-0001-000000000005")
LIVE = frozenset({AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED})

FILL = f"""
    INSERT INTO workspaces (id, slug, name) VALUES ('{ONE}', 'w', 'W');
    INSERT INTO tenants (id, workspace_id, slug, name)
    SELECT ('00000000-0000-0000-0001-' || lpad(to_hex(n), 12, '0'))::uuid, '{ONE}', 't' || n, 'T' || n
    FROM generate_series(1, 300) AS n;
    INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)
    SELECT id, workspace_id, id, slug, 'generic', 'sealed' FROM tenants;
    INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status, source,
        triggered_at, last_received_at, last_signal_at, description)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '{ONE}', tenant.id, tenant.id,
        'Disk ' || n, (ARRAY['CRITICAL', 'HIGH', 'LOW'])[1 + n % 3]::alert_severity,
        (CASE WHEN n <= 27000 THEN 'RESOLVED' WHEN n % 7 = 0 THEN 'ACKNOWLEDGED' ELSE 'OPEN' END
            )::alert_status, 's', now(), now(), now(), repeat('x', 1500)
    FROM generate_series(1, 30000) AS n
    JOIN tenants AS tenant ON tenant.slug = 't' || (CASE WHEN n % 2 = 0 THEN 1 ELSE 1 + n % 300 END);
    INSERT INTO alert_destinations (id, workspace_id, name, type)
    VALUES ('{ONE}', '{ONE}', 'd', 'webhook');
    INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)
    VALUES ('{ONE}', '{ONE}', 'r', '{{}}', '{{}}');
    INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id, alert_destination_id,
        alert_id, event_type, status, reason)
    SELECT id, '{ONE}', tenant_id, '{ONE}', '{ONE}', id, 'alerts.triggered', 'sent', 'rule' FROM alerts;
    INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload, status_code,
        outcome, processed_at)
    SELECT gen_random_uuid(), integration_id, 'f', '{{}}', 201, 'created', now() FROM alerts;
    INSERT INTO heartbeats (id, workspace_id, tenant_id, integration_id, name, slug, kind,
        period_seconds, grace_seconds)
    SELECT ('00000000-0000-0000-0002-' || lpad(to_hex(n), 12, '0'))::uuid, '{ONE}', '{TENANT}',
        '{TENANT}', 'h' || n, 'h' || n, 'interval', 60, 60
    FROM generate_series(1, 5000) AS n;
    INSERT INTO heartbeat_statuses (heartbeat_id, state)
    SELECT id, CASE WHEN name = 'h77' THEN 'down' ELSE 'up' END FROM heartbeats;
"""


@pytest.fixture(scope="module")
def many(postgres_server: Server) -> Iterator[psycopg.Connection[Any]]:
    """Three hundred tenants, of which one has half of thirty thousand alerts, a tenth of them live."""
    with postgres_server.database(is_unused=True) as database, database.connect() as connection:
        connection.execute(FILL)
        connection.execute("VACUUM ANALYZE")
        yield connection


def explained(many: psycopg.Connection[Any], name: str, **values: Any) -> str:
    rows = many.execute(b"EXPLAIN " + statement(name), values)
    return "\n".join(row[0] for row in rows)


def _reads_whole(text: str, *tables: str) -> list[str]:
    return [each for each in tables if f"Seq Scan on {each}" in text]


def test_what_is_live_is_looked_up_tenant_by_tenant(many: psycopg.Connection[Any]) -> None:
    found = explained(
        many,
        "tenant_board",
        workspace_id=ONE,
        pattern=None,
        since=UUID(int=1),
        most_tenants=2_001,
        most_live=1_001,
        most_messages=10_000,
    )
    assert not _reads_whole(found, "alerts", "alert_deliveries", "heartbeats", "heartbeat_statuses")
    assert "Index Only Scan using ix_alerts_live_of_tenant" in found, found
    assert "ix_alert_deliveries_failed" in found, found
    assert "ix_heartbeat_statuses_down" in found, found


def test_who_was_heard_is_looked_up_integration_by_integration(
    many: psycopg.Connection[Any],
) -> None:
    found = explained(
        many,
        "tenant_sources",
        workspace_id=ONE,
        heard_before=datetime(2100, 1, 1, tzinfo=UTC),
        looked_at=50,
        most_sources=5_000,
    )
    assert not _reads_whole(found, "webhook_deliveries"), found
    assert found.count("ix_webhook_deliveries_integration_id_created_at") == 2, found


def test_the_details_of_a_page_are_looked_up(many: psycopg.Connection[Any]) -> None:
    found = explained(many, "tenant_details", ids=[TENANT, ONE])
    assert not _reads_whole(found, "alerts"), found
    assert found.count("ix_alerts_live_of_tenant") == 3, found


@pytest.mark.parametrize("severities", [(), (Severity.HIGH,)], ids=["all", "of a severity"])
def test_the_list_of_a_tenant_is_read_in_its_order(
    many: psycopg.Connection[Any], severities: tuple[Severity, ...]
) -> None:
    wanted = replace(AlertFilter(LIVE, frozenset(severities)), tenant_id=TENANT)
    found = plan(many, listing(ONE, wanted, 51))
    assert "ix_alerts_live_of_tenant" in found, found
    assert "Sort" not in found, found
