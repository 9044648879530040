"""stored history is mended and checked against its foreign keys"""

from alembic import op

from tocsin.store.migrate import run_sql_beside

revision = "0005"
down_revision = "0004"

_KEYS = {
    "alerts": ("integration_id", "tenant_id"),
    "webhook_deliveries": ("integration_id", "alert_id"),
    "alert_deliveries": ("alert_destination_id", "alert_rule_id", "tenant_id", "alert_id"),
}


def upgrade() -> None:
    run_sql_beside(__file__)
    # Each by itself: a long transaction would keep vacuum from what is deleted meanwhile. Nothing but
    # another change of the schema waits for it, and one that is valid already is passed over, so that an
    # interrupted migration can be run again.
    with op.get_context().autocommit_block():
        for table, columns in _KEYS.items():
            for column in columns:
                op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT fk_{table}_{column}")
