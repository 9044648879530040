"""Retention: history goes when it is old, what was deleted goes when no history mentions it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.ingest.harness import harness
from tests.support.postgres import Database
from tocsin.model import KeptHistory, utc_now
from tocsin.resources.retention import MOST_DAYS
from tocsin.store.database import connect
from tocsin.store.queries import retention
from tocsin.store.queries.retention import remove_deleted, remove_past, sweep_old

pytestmark = pytest.mark.unused_database

NOW = datetime(2026, 6, 1, tzinfo=UTC)
BEFORE = NOW - timedelta(days=90)
DAY = timedelta(days=1)
OLD, NEW = BEFORE - timedelta(days=1), BEFORE + timedelta(days=1)
ONE = UUID("00000000-0000-7000-8000-000000000001")


def id_at(moment: datetime, number: int = 0) -> UUID:
    """A UUIDv7 of that time."""
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | number)


class Past:
    """A workspace with one of each, and history written by plain SQL."""

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self.db = database.connect()
        self.db.execute("INSERT INTO workspaces (id, slug, name) VALUES (%s, 'w', 'W')", [ONE])
        self.db.execute(
            "INSERT INTO tenants (id, workspace_id, slug, name) VALUES (%s, %s, 'acme', 'Acme')",
            [ONE, ONE],
        )
        self.db.execute(
            "INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)"
            " VALUES (%s, %s, %s, 'shop', 'generic', '')",
            [ONE, ONE, ONE],
        )
        self.db.execute(
            "INSERT INTO alert_destinations (id, workspace_id, name, type)"
            " VALUES (%s, %s, 'ops', 'webhook')",
            [ONE, ONE],
        )
        self.db.execute(
            "INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)"
            " VALUES (%s, %s, 'all', '{}', '{}')",
            [ONE, ONE],
        )

    def alert(self, at: datetime, status: str = "RESOLVED", number: int = 0) -> UUID:
        self.db.execute(
            "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status,"
            " source, triggered_at, last_received_at, last_signal_at, updated_at)"
            " VALUES (%s, %s, %s, %s, 'Disk', 'HIGH', %s, 'shop', %s, %s, %s, %s)",
            [id_at(at, number), ONE, ONE, ONE, status, at, at, at, at],
        )
        return id_at(at, number)

    def webhook(self, at: datetime, alert_id: UUID | None) -> UUID:
        self.db.execute(
            "INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload,"
            " status_code, outcome, processed_at, alert_id)"
            " VALUES (%s, %s, 'f', '{}', 200, 'updated', %s, %s)",
            [id_at(at), ONE, at, alert_id],
        )
        return id_at(at)

    def message(
        self,
        at: datetime,
        alert_id: UUID,
        status: str = "sent",
        event_type: str = "alerts.triggered",
    ) -> None:
        self.db.execute(
            "INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id,"
            " alert_destination_id, alert_id, event_type, status, reason)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'rule')",
            [id_at(at), ONE, ONE, ONE, ONE, alert_id, event_type, status],
        )

    def audit(self, at: datetime) -> None:
        self.db.execute(
            "INSERT INTO audit_events (id, workspace_id, at, actor, action, object_type, object_id)"
            " VALUES (%s, %s, %s, '{}', 'updated', 'alert_rule', %s)",
            [id_at(at), ONE, at, ONE],
        )

    def mark_deleted(self, at: datetime, *tables: str) -> None:
        for table in tables:
            off = _SWITCHED_OFF.get(table, "")
            self.db.execute(f"UPDATE {table} SET deleted_at = %s{off}", [at])  # type: ignore[arg-type]

    def count(self, table: str) -> int:
        ((found,),) = self.db.execute(f"SELECT count(*) FROM {table}").fetchall()  # type: ignore[arg-type]
        return int(found)


_SWITCHED_OFF = {
    "alert_rules": ", is_enabled = false",
    "alert_destinations": ", is_enabled = false",
    "integrations": ", is_active = false",
}
KINDS = ("alert_rules", "alert_destinations", "integrations", "tenants")


@pytest.fixture
def past(database: Database) -> Past:
    return Past(database)


async def _on(
    past: Past, work: Callable[[psycopg.AsyncConnection, datetime], Awaitable[int]]
) -> int:
    async with await connect(past.url) as connection:
        return await work(connection, BEFORE)


async def sweep_all(connection: psycopg.AsyncConnection, before: datetime) -> int:
    """All kinds of history kept for the same time."""
    return await sweep_old(connection, dict.fromkeys(KeptHistory, before))


async def test_an_alert_goes_with_its_messages_and_is_forgotten_by_younger_webhooks(
    past: Past,
) -> None:
    alert_id = past.alert(OLD)
    past.message(OLD, alert_id)
    past.webhook(OLD, alert_id)
    kept = past.webhook(NEW, alert_id)

    await _on(past, sweep_all)

    assert past.count("alerts") == past.count("alert_deliveries") == 0
    left = past.db.execute("SELECT id, alert_id FROM webhook_deliveries").fetchall()
    assert left == [(kept, None)]


@pytest.mark.parametrize(("at", "status"), [(OLD, "queued"), (OLD, "deferred"), (NEW, "sent")])
async def test_an_alert_outlives_its_messages(past: Past, at: datetime, status: str) -> None:
    past.message(at, past.alert(OLD), status)

    await _on(past, sweep_all)

    assert past.count("alerts") == past.count("alert_deliveries") == 1


async def test_an_alert_stays_while_late_triggers_may_belong_to_it(past: Past) -> None:
    alert_id = past.alert(OLD)
    past.db.execute("UPDATE alerts SET external_id = 'disk-7'")
    past.db.execute(
        "INSERT INTO resolutions (integration_id, external_id, occurred_at, alert_id, expires_at)"
        " VALUES (%s, 'disk-7', %s, %s, %s)",
        [ONE, OLD, alert_id, NOW],
    )

    await _on(past, sweep_all)
    assert past.count("alerts") == 1

    past.db.execute("DELETE FROM resolutions")
    await _on(past, sweep_all)
    assert past.count("alerts") == 0


async def test_live_alerts_stay_however_old(past: Past) -> None:
    past.alert(OLD, "OPEN")

    await _on(past, sweep_all)

    assert past.count("alerts") == 1


async def test_who_was_notified_of_a_live_alert_is_known_until_it_ends(past: Past) -> None:
    alert_id = past.alert(OLD, "OPEN")
    past.message(OLD, alert_id)
    past.message(OLD + timedelta(minutes=1), alert_id, event_type="alerts.reminder")

    await _on(past, sweep_all)
    assert past.db.execute("SELECT event_type FROM alert_deliveries").fetchall() == [
        ("alerts.triggered",)
    ]

    past.db.execute("UPDATE alerts SET status = 'RESOLVED'")
    await _on(past, sweep_all)
    assert past.count("alert_deliveries") == past.count("alerts") == 0


def test_an_end_goes_where_the_beginning_went_long_ago(database: Database) -> None:
    """Or an incident would stay open there for ever."""

    async def sweep() -> None:
        async with await connect(database.url) as connection:
            await sweep_all(connection, utc_now() + DAY)

    with harness(database.url) as hub:
        said = {"title": "disk", "id": "a"}
        hub.workspace.rule(
            event_types=["alerts.triggered", "alerts.resolved"], min_severity="CRITICAL"
        )
        sender = hub.workspace.sender()
        hub.post(sender, {**said, "severity": "critical"})
        hub.workspace.sql("UPDATE alert_deliveries SET status = 'sent', sent_at = now()")
        hub.post(sender, {**said, "severity": "low"})
        hub.run(sweep())
        hub.advance(60)
        hub.post(sender, {**said, "status": "resolved"})
        messages = "SELECT event_type, status FROM alert_deliveries ORDER BY sequence"
        assert hub.workspace.sql(messages)[-1] == ("alerts.resolved", "queued")


async def test_what_was_deleted_and_is_mentioned_by_nothing_is_removed(past: Past) -> None:
    past.mark_deleted(OLD, *KINDS)

    assert await _on(past, remove_deleted) == 4

    assert [past.count(table) for table in KINDS] == [0, 0, 0, 0]


async def test_what_is_mentioned_is_kept_until_nothing_mentions_it(past: Past) -> None:
    past.mark_deleted(OLD, *KINDS)
    past.message(OLD, past.alert(OLD))

    assert await _on(past, remove_deleted) == 0
    assert [past.count(table) for table in KINDS] == [1, 1, 1, 1]

    await _on(past, sweep_all)
    assert await _on(past, remove_deleted) == 4


async def test_a_webhook_alone_keeps_its_integration_and_that_its_tenant(past: Past) -> None:
    past.mark_deleted(OLD, "integrations", "tenants")
    past.webhook(NEW, None)

    assert await _on(past, remove_deleted) == 0


async def test_what_was_not_deleted_or_only_lately_stays(past: Past) -> None:
    past.mark_deleted(NEW, "alert_rules", "alert_destinations")

    assert await _on(past, remove_deleted) == 0


@pytest.mark.parametrize(
    ("kind", "left"),
    [
        (KeptHistory.WEBHOOKS, {"alerts": 1, "alert_deliveries": 1, "webhook_deliveries": 0}),
        (KeptHistory.MESSAGES, {"alerts": 1, "alert_deliveries": 0, "webhook_deliveries": 1}),
        (KeptHistory.AUDIT, {"alerts": 1, "alert_deliveries": 1, "audit_events": 0}),
        (KeptHistory.OTHER, {"alerts": 1, "alert_deliveries": 1, "audit_events": 1}),
    ],
)
async def test_each_kind_of_history_has_its_own_time(
    past: Past, kind: KeptHistory, left: dict[str, int]
) -> None:
    alert_id = past.alert(OLD)
    past.message(OLD, alert_id)
    past.webhook(OLD, alert_id)
    past.audit(OLD)
    before = {**dict.fromkeys(KeptHistory, BEFORE - 30 * DAY), kind: BEFORE}
    async with await connect(past.url) as connection:
        await sweep_old(connection, before)
    assert {table: past.count(table) for table in left} == left


async def test_more_than_one_step_is_swept_with_rests_between(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(retention, "STEP", 2)
    monkeypatch.setattr(retention.asyncio, "sleep", rest)
    for number in range(5):
        past.alert(OLD, number=number)
    assert await _on(past, sweep_all) == 5
    assert len(rests) == 2
    assert all(seconds > 0 for seconds in rests)


async def test_for_the_longest_time_nothing_goes(past: Past) -> None:
    """A hundred years ago is before 1970, where ids begin."""
    alert_id = past.alert(OLD)
    past.message(OLD, alert_id)
    past.webhook(OLD, alert_id)
    past.audit(OLD)
    async with await connect(past.url) as connection:
        assert await sweep_all(connection, NOW - timedelta(days=MOST_DAYS)) == 0


async def test_two_nodes_at_once_delete_each_row_once(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "STEP", 3)
    monkeypatch.setattr(retention, "RESTS", 0.0)
    for number in range(40):
        past.message(OLD - number * DAY, past.alert(OLD - number * DAY))
    past.audit(OLD)

    assert sum(await asyncio.gather(_on(past, sweep_all), _on(past, sweep_all))) == 81
    assert past.count("alerts") == past.count("alert_deliveries") == 0


LOOKED_UP = {
    "messages of an alert": (
        "SELECT 1 FROM ONLY alert_deliveries x WHERE $1 = alert_id FOR KEY SHARE OF x"
    ),
    "webhooks of an alert": (
        "UPDATE ONLY webhook_deliveries SET alert_id = NULL WHERE $1 = alert_id"
    ),
}
"""What the keys ask for each alert that is removed."""


@pytest.fixture
def on_call(past: Past) -> Past:
    """A person, and a schedule and a policy of which the second version holds since a while."""
    run = past.db.execute
    run("INSERT INTO users (id, email, name) VALUES (%s, 'ana@example.org', 'Ana')", [ONE])
    run(
        "INSERT INTO schedules (id, workspace_id, name, timezone, layers, effective_from)"
        " VALUES (%s, %s, 'primary', 'UTC', '[]', %s)",
        [ONE, ONE, OLD],
    )
    for since, until in ((OLD - DAY, OLD), (OLD, NEW), (NEW, None)):
        run(
            "INSERT INTO schedule_versions (schedule_id, effective_from, effective_until, timezone,"
            " layers) VALUES (%s, %s, %s, 'UTC', '[]')",
            [ONE, since, until],
        )
    run(
        "INSERT INTO escalation_policies (id, workspace_id, name, version, steps)"
        " VALUES (%s, %s, 'P', 3, '[]')",
        [ONE, ONE],
    )
    for version in (1, 2, 3):
        run(
            "INSERT INTO escalation_policy_versions (escalation_policy_id, version, name, steps, repeat,"
            " created_at) VALUES (%s, %s, 'P', '[]', 0, %s)",
            [ONE, version, OLD],
        )
    for number, ends in enumerate((OLD, NEW)):
        run(
            "INSERT INTO shift_swaps (id, workspace_id, schedule_id, kind, user_id, starts_at, ends_at)"
            " VALUES (%s, %s, %s, 'give', %s, %s, %s)",
            [id_at(OLD, number), ONE, ONE, ONE, ends - DAY, ends],
        )
        run(
            "INSERT INTO schedule_overrides (id, workspace_id, schedule_id, kind, starts_at, ends_at,"
            " user_id, author) VALUES (%s, %s, %s, 'remove', %s, %s, %s, 'ana')",
            [id_at(OLD, number), ONE, ONE, ends - DAY, ends, ONE],
        )
    return past


async def test_who_was_on_call_is_known_for_as_long_as_the_alerts_are(on_call: Past) -> None:
    run = on_call.db.execute
    run(
        "INSERT INTO escalations (id, workspace_id, alert_id, escalation_policy_id, policy_version,"
        " alert_rule_id, state, started_at, updated_at)"
        " VALUES (%s, %s, %s, %s, 1, %s, 'stopped', %s, %s)",
        [ONE, ONE, on_call.alert(NEW), ONE, ONE, NEW, NEW],
    )
    async with await connect(on_call.url) as connection:
        assert await remove_past(connection, BEFORE) == 4
        assert await remove_past(connection, BEFORE) == 0

    def left(column: str, table: str) -> list[Any]:
        return [row[0] for row in run(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()]

    assert left("effective_from", "schedule_versions") == [OLD, NEW]
    assert left("ends_at", "schedule_overrides") == [NEW]
    assert left("ends_at", "shift_swaps") == [NEW]
    # One was escalated by the first, and the third is in force.
    assert left("version", "escalation_policy_versions") == [1, 3]


async def test_where_nothing_is_past_no_node_reads_its_configuration_again(on_call: Past) -> None:
    async with await connect(on_call.url) as connection:
        await remove_past(connection, BEFORE)
        version = on_call.db.execute("SELECT version FROM configuration").fetchone()
        await remove_past(connection, BEFORE)
    assert on_call.db.execute("SELECT version FROM configuration").fetchone() == version


@pytest.mark.parametrize("what", LOOKED_UP)
def test_what_the_keys_ask_is_looked_up(past: Past, what: str) -> None:
    _fill(past)
    past.db.execute(retention.PLANNER)
    past.db.execute(f"PREPARE ask (uuid) AS {LOOKED_UP[what]}")  # type: ignore[arg-type]
    past.db.execute("SET plan_cache_mode = force_generic_plan")

    plan = _plan(past, f"EXECUTE ask ('{id_at(NEW)}')")
    assert "Seq Scan" not in plan, plan


def test_no_step_of_retention_reads_a_whole_table(past: Past) -> None:
    _fill(past)
    past.db.execute(retention.PLANNER)
    bound = {"before": OLD - timedelta(days=300), "bound": id_at(OLD - timedelta(days=300))}
    for table in ("alerts", "alert_deliveries", "webhook_deliveries"):
        plan = _plan(past, retention.statement_of(table), bound)
        assert "Seq Scan" not in plan, plan
        assert "Hash" not in plan, plan


def _fill(past: Past) -> None:
    """As a busy year would look to the planner."""
    past.db.execute(
        "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status,"
        " source, triggered_at, last_received_at, last_signal_at)"
        " SELECT gen_random_uuid(), %(one)s, %(one)s, %(one)s, 't', 'HIGH', 'RESOLVED', 's', now(),"
        " now(), now() FROM generate_series(1, 20000)",
        {"one": ONE},
    )
    past.db.execute(
        "INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id,"
        " alert_destination_id, alert_id, event_type, status, reason)"
        " SELECT gen_random_uuid(), %(one)s, %(one)s, %(one)s, %(one)s, id, 'alerts.triggered',"
        " 'sent', 'rule' FROM alerts",
        {"one": ONE},
    )
    past.db.execute(
        "INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload,"
        " status_code, outcome, processed_at, alert_id)"
        " SELECT gen_random_uuid(), %(one)s, id::text, '{}', 201, 'created', now(), id FROM alerts",
        {"one": ONE},
    )
    past.db.execute("ANALYZE")


def _plan(past: Past, statement: Any, values: dict[str, Any] | None = None) -> str:
    composed = psycopg.sql.SQL("EXPLAIN (COSTS off) ") + (
        psycopg.sql.SQL(statement) if isinstance(statement, str) else statement
    )
    return "\n".join(row[0] for row in past.db.execute(composed, values))
