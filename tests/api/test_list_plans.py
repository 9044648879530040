"""Lists stay quick however much is stored: what is asked for is looked up, not searched for."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy.dialects import postgresql

from tests.support.postgres import Database
from tocsin.model import uuid7
from tocsin.store.queries.paged_alerts import paging
from tocsin.store.queries.webhook_deliveries import deliveries_through
from tocsin.store.statements import statement as statement_of

pytestmark = pytest.mark.unused_database

INTEGRATION = uuid7()

FILL = """
    INSERT INTO workspaces (id, slug, name) VALUES (%(integration)s, 'w', 'W');
    INSERT INTO tenants (id, workspace_id, slug, name)
    VALUES (%(integration)s, %(integration)s, 't', 'T');
    INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)
    VALUES (%(integration)s, %(integration)s, %(integration)s, 'i', 'generic', 'sealed');
    INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, source,
        triggered_at, last_received_at, last_signal_at)
    SELECT gen_random_uuid(), %(integration)s, %(integration)s, %(integration)s, 't', 'HIGH', 's',
           now(), now(), now()
    FROM generate_series(1, 5000);
    INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload, status_code,
        outcome, processed_at, alert_id)
    SELECT gen_random_uuid(), %(integration)s, id::text, '{}', 201, 'created', now(), id
    FROM alerts;
    INSERT INTO alert_events (id, alert_id, kind, at, actor, webhook_delivery_id)
    SELECT gen_random_uuid(), alert_id, 'triggered', now(), '{}', id FROM webhook_deliveries;
"""


def test_the_webhook_deliveries_of_an_alert_are_looked_up(every_database: Database) -> None:
    statement = deliveries_through([INTEGRATION], UUID(int=1))
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    text = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    with every_database.connect() as connection:
        connection.execute(FILL.replace("%(integration)s", f"'{INTEGRATION}'"))
        connection.execute("ANALYZE")
        rows = connection.execute(f"EXPLAIN {text} ORDER BY id DESC LIMIT 51")
        plan = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in plan, plan
    assert "ix_webhook_deliveries_alert_id" in plan, plan


MESSAGES = """
    INSERT INTO alert_destinations (id, workspace_id, name, type)
    VALUES (%(integration)s, %(integration)s, 'd', 'webhook');
    INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)
    VALUES (%(integration)s, %(integration)s, 'r', '{alerts.triggered}', '{}');
    INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id, alert_destination_id,
        alert_id, event_type, status, reason)
    SELECT id, workspace_id, tenant_id, %(integration)s, %(integration)s, id, 'alerts.triggered', 'sent',
           'rule'
    FROM alerts;
"""


def test_the_overview_reads_no_alerts_of_others(every_database: Database) -> None:
    """A workspace with few alerts, among one with many, is looked up by both columns of the index."""
    values = {
        "workspace_id": uuid7(),
        "since": UUID(int=1),
        "most": 100,
        "shown": 10,
        "soon": 180.0,
    }
    with every_database.connect() as connection:
        for text in (FILL, MESSAGES):
            connection.execute(text.replace("%(integration)s", f"'{INTEGRATION}'"))
        connection.execute("ANALYZE")
        for workspace_id in (values["workspace_id"], INTEGRATION):
            rows = connection.execute(
                "EXPLAIN " + statement_of("overview").decode(),
                values | {"workspace_id": workspace_id},
            )
            plan = "\n".join(row[0] for row in rows)
            assert "Seq Scan" not in plan, plan
            assert "ix_alerts_workspace_id_id" in plan, plan
            assert "ix_alert_deliveries_workspace_id_id" in plan, plan


def test_what_pages_a_person_is_found_by_their_own_messages(every_database: Database) -> None:
    statement = paging(INTEGRATION, INTEGRATION).limit(5)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    text = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    with every_database.connect() as connection:
        for each in (FILL, MESSAGES):
            connection.execute(each.replace("%(integration)s", f"'{INTEGRATION}'"))
        connection.execute("ANALYZE")
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {text}"))
    assert "ix_alert_deliveries_last_test" in plan, plan
    assert "Seq Scan on alert_deliveries" not in plan, plan
    assert "Seq Scan on alerts" not in plan, plan
