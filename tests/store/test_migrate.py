"""Migrations give the typed tables, on every server; what is pending or drifted is reported."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from tests.support.postgres import Server
from tocsin.store import catalog, migrate
from tocsin.store.tables import Base


@pytest.fixture
def empty(every_server: Server):
    """The URL of an empty database."""
    with every_server.database() as database:
        with database.connect() as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        yield database.url


def described(url: str) -> dict[str, str]:
    with psycopg.connect(url, autocommit=True) as connection:
        return catalog.describe(connection)


def test_migrations_give_what_is_recorded(empty: str) -> None:
    migrate.upgrade(empty)

    assert catalog.differences(described(empty), catalog.expected()) == []
    assert migrate.check(empty) == []


def test_migrations_give_the_typed_tables(empty: str) -> None:
    engine = create_engine(make_url(empty).set(drivername="postgresql+psycopg"))
    Base.metadata.create_all(engine)
    engine.dispose()

    # Functions and triggers stand in the migrations alone: tables have no words for them.
    wanted = {
        name: definition
        for name, definition in catalog.expected().items()
        if not name.startswith(("function ", "trigger "))
    }
    assert catalog.differences(described(empty), wanted) == []


def test_a_second_upgrade_changes_nothing(empty: str) -> None:
    migrate.upgrade(empty)
    before = described(empty)
    migrate.upgrade(empty)

    assert described(empty) == before


def test_an_empty_database_has_everything_pending(empty: str) -> None:
    lines = migrate.check(empty)

    assert lines
    assert all(line.startswith("pending: ") for line in lines)


@pytest.mark.parametrize(
    ("damage", "report"),
    [
        ("ALTER TABLE alerts DROP COLUMN source", "missing: column alerts.source"),
        ("ALTER TABLE alerts ADD COLUMN mood text", "unexpected: column alerts.mood"),
        ("ALTER TABLE tenants ALTER COLUMN name DROP NOT NULL", "changed: column tenants.name"),
        (
            "DROP INDEX uq_alerts_integration_id_external_id_live",
            "missing: index uq_alerts_integration_id_external_id_live",
        ),
        (
            "ALTER TABLE alert_deliveries"
            " DROP CONSTRAINT ck_alert_deliveries_tenant_and_rule_of_alerts",
            "missing: constraint alert_deliveries.ck_alert_deliveries_tenant_and_rule_of_alerts",
        ),
        (
            "DROP TRIGGER alert_rules_configuration ON alert_rules",
            "missing: trigger alert_rules.alert_rules_configuration",
        ),
        (
            "ALTER TABLE webhook_deliveries DROP CONSTRAINT fk_webhook_deliveries_alert_id",
            "missing: constraint webhook_deliveries.fk_webhook_deliveries_alert_id",
        ),
        (
            "ALTER TABLE alerts DROP CONSTRAINT fk_alerts_tenant_id,"
            " ADD CONSTRAINT fk_alerts_tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)"
            " NOT VALID",
            "changed: constraint alerts.fk_alerts_tenant_id",
        ),
        ("ALTER TYPE alert_severity ADD VALUE 'DIRE'", "changed: enum alert_severity"),
        (
            "CREATE OR REPLACE FUNCTION configuration_changed() RETURNS trigger"
            " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "changed: function configuration_changed",
        ),
    ],
)
def test_drift_is_reported(empty: str, damage: str, report: str) -> None:
    migrate.upgrade(empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(damage)  # type: ignore[arg-type]

    assert any(line.startswith(report) for line in migrate.check(empty))


def test_a_schema_of_a_newer_program_is_refused(empty: str) -> None:
    migrate.upgrade(empty)
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(migrate.SchemaError, match="newer Tocsin"):
        migrate.upgrade(empty)
    with pytest.raises(migrate.SchemaError, match="newer Tocsin"):
        migrate.check(empty)


def test_a_change_of_configuration_raises_its_version_once_it_commits(empty: str) -> None:
    migrate.upgrade(empty)
    with psycopg.connect(empty) as writer, psycopg.connect(empty, autocommit=True) as reader:
        (before,) = reader.execute("SELECT version FROM configuration").fetchone() or (0,)
        writer.execute(
            "INSERT INTO workspaces (id, slug, name) VALUES (gen_random_uuid(), 'acme', 'Acme')"
        )
        assert reader.execute("SELECT version FROM configuration").fetchone() == (before,)
        writer.commit()
        assert reader.execute("SELECT version FROM configuration").fetchone() == (before + 1,)
