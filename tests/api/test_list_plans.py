"""Lists stay quick however much is stored: what is asked for is looked up, not searched for."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.dialects import postgresql

from tests.support.postgres import Database
from tocsin.model import uuid7
from tocsin.store.queries.webhook_deliveries import deliveries_through

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
