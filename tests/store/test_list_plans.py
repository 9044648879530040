"""The lists that people look at read what they show, however many alerts there are: no plan of theirs
reads the table of alerts from end to end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Select, func, select
from sqlalchemy.dialects import postgresql

from tests.support.postgres import Server
from tocsin.model import AlertStatus, Severity
from tocsin.model.alert_filter import AlertFilter, Comparison, TextCondition
from tocsin.model.ids import uuid7_at_least
from tocsin.store.queries.alert_conditions import conditions
from tocsin.store.queries.alert_counts import label_counts, own_counts
from tocsin.store.queries.alert_list import ListPlace, listing
from tocsin.store.queries.alert_search import AS_USUAL, BY_TRIGRAMS, having
from tocsin.store.statements import statement
from tocsin.store.tables import Alert

ONE = UUID(int=1)
LIVE = frozenset({AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED})
OVER = frozenset({AlertStatus.RESOLVED, AlertStatus.CLOSED})
HOST = TextCondition("host", Comparison.IS, ("db77",), is_label=True)

FILL = """
    INSERT INTO workspaces (id, slug, name) SELECT id, id::text, 'W' FROM unnest(%(both)s) AS id;
    INSERT INTO tenants (id, workspace_id, slug, name)
    SELECT id, id, 't', 'T' FROM unnest(%(both)s) AS id;
    INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)
    SELECT id, id, id, 'i', 'generic', 'sealed' FROM unnest(%(both)s) AS id;
    INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, description, severity,
        status, source, triggered_at, labels, last_received_at, last_signal_at)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, id, id, id,
        'Disk almost full on db' || n, repeat('x', 1500),
        (ARRAY['CRITICAL', 'HIGH', 'MEDIUM'])[1 + n % 3]::alert_severity,
        (CASE WHEN n <= 27000 THEN 'RESOLVED' WHEN n % 7 = 0 THEN 'ACKNOWLEDGED' ELSE 'OPEN' END
            )::alert_status, 's', now() - n * interval '1 second',
        jsonb_build_object('host', 'db' || n % 1000), now(), now()
    FROM generate_series(1, 30000) AS n, LATERAL (SELECT (%(both)s)[1 + n % 2]) AS workspace (id);
    INSERT INTO alert_search (alert_id, workspace_id, is_live, words)
    SELECT id, workspace_id, status IN ('OPEN', 'ACKNOWLEDGED'),
        E'\\n' || lower(title) || E'\\nhost=' || (labels ->> 'host') || E'\\n'
    FROM alerts;
    INSERT INTO alert_events (id, alert_id, kind, at, actor)
    SELECT gen_random_uuid(), id, kind, now(), '{"kind": "user", "name": "Ana"}'
    FROM alerts, unnest(ARRAY['triggered', 'acknowledged']) AS kind
    WHERE kind = 'triggered' OR status = 'ACKNOWLEDGED';
"""


@pytest.fixture(scope="module")
def many(postgres_server: Server) -> Iterator[psycopg.Connection[Any]]:
    """Thirty thousand alerts, a tenth of them live, on as many pages as many more would have."""
    with postgres_server.database(is_unused=True) as database, database.connect() as connection:
        connection.execute(FILL.replace("%(both)s", f"ARRAY['{ONE}', '{UUID(int=2)}']::uuid[]"))
        connection.execute("VACUUM ANALYZE alerts")
        connection.execute("VACUUM ANALYZE alert_search")
        connection.execute("VACUUM ANALYZE alert_events")
        yield connection


def plan(connection: psycopg.Connection[Any], statement: Select[Any]) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    text = statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return "\n".join(
        row[0] for row in connection.execute(f"EXPLAIN {str(text).replace('%%', '%')}")
    )


PLACE = ListPlace(Severity.HIGH, UUID("01900000-0000-7000-8000-000000007000"))


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (AlertFilter(LIVE), "ix_alerts_live_by_severity"),
        (AlertFilter(LIVE, frozenset({Severity.HIGH})), "ix_alerts_live_by_severity"),
        (AlertFilter(LIVE, not_taken_by=ONE), "ix_alerts_live_by_severity"),
        (AlertFilter(frozenset({AlertStatus.ACKNOWLEDGED}), taken_by=ONE), "acknowledged_by"),
        (AlertFilter(frozenset({AlertStatus.ACKNOWLEDGED})), "ix_alerts_acknowledged"),
        (AlertFilter(frozenset({AlertStatus.RESOLVED})), "ix_alerts_over"),
        (AlertFilter(OVER), "ix_alerts_over"),
        (AlertFilter(), "ix_alerts_workspace_id_id"),
        # What so many have that it is not looked up: the list is read in its order.
        (
            AlertFilter(LIVE, words=("almost", "full"), is_frequent=True),
            "ix_alerts_live_by_severity",
        ),
        (AlertFilter(LIVE, conditions=(HOST,), is_frequent=True), "ix_alerts_live_by_severity"),
    ],
    ids=[
        "live",
        "of a severity",
        "not mine",
        "mine",
        "acknowledged",
        "resolved",
        "over",
        "all",
        "of frequent words",
        "of a frequent label",
    ],
)
@pytest.mark.parametrize("after", [None, PLACE], ids=["first", "later"])
def test_a_list_is_read_in_its_order(
    many: psycopg.Connection[Any], wanted: AlertFilter, index: str, after: ListPlace | None
) -> None:
    found = plan(many, listing(ONE, wanted, 51, after))
    assert "Seq Scan on alerts" not in found, found
    assert index in found, found


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (AlertFilter(LIVE), "ix_alerts_live_by_severity"),
        (AlertFilter(LIVE, frozenset({Severity.CRITICAL})), "ix_alerts_live_by_severity"),
        (AlertFilter(frozenset({AlertStatus.ACKNOWLEDGED})), "ix_alerts_acknowledged"),
        (
            AlertFilter(LIVE, ids=tuple(f"01900000-0000-7000-8000-{n:012x}" for n in range(40))),
            "Index Scan",
        ),
    ],
    ids=["live", "of a severity", "acknowledged", "known"],
)
def test_what_a_list_can_be_narrowed_to_is_counted_of_it_alone(
    many: psycopg.Connection[Any], wanted: AlertFilter, index: str
) -> None:
    for counts in (own_counts(ONE, wanted), label_counts(ONE, wanted, 20)):
        found = plan(many, counts)
        assert "Seq Scan on alerts" not in found, found
        assert index in found, found


OWNER = TextCondition("owner", Comparison.IS, ("ana",))


@pytest.mark.parametrize("statuses", [LIVE, frozenset({AlertStatus.ACKNOWLEDGED})])
def test_who_has_it_is_asked_of_what_somebody_has(
    many: psycopg.Connection[Any], statuses: frozenset[AlertStatus]
) -> None:
    found = plan(many, listing(ONE, AlertFilter(statuses, conditions=(OWNER,)), 10_001))
    assert "Seq Scan" not in found.replace("Seq Scan on tenants", ""), found
    assert "ix_alerts_acknowledged" in found, found
    assert "ix_alert_events_alert_id_id" in found, found


def test_a_count_reads_live_alerts_only(many: psycopg.Connection[Any]) -> None:
    wanted = conditions(ONE, AlertFilter(LIVE))
    found = plan(many, select(Alert.id).where(*wanted).limit(10_001))
    assert "Seq Scan" not in found, found
    assert "live" in found, found


@pytest.mark.parametrize("only_live", [True, False])
@pytest.mark.parametrize("pattern", ["%db777%", "%\nhost=db77\n%"], ids=["word", "label"])
def test_words_are_found_by_trigrams(
    many: psycopg.Connection[Any], pattern: str, only_live: bool
) -> None:
    found = plan(many, having(ONE, [[pattern]], only_live=only_live))
    assert "Seq Scan" not in found, found
    assert "ix_alert_search_words_live" in found, found
    assert only_live or "ix_alert_search_words_over" in found, found


def test_words_that_one_in_ten_has_are_found_by_trigrams_too(
    many: psycopg.Connection[Any],
) -> None:
    """All copies of live alerts in the order of their ids take three times as long."""
    with many.transaction():
        many.execute(BY_TRIGRAMS.text)
        found = plan(many, having(ONE, [["%db7%"]], only_live=True))
        many.execute(AS_USUAL.text)
        assert many.execute("SHOW enable_indexscan").fetchone() == ("on",)
    assert "Bitmap Index Scan on ix_alert_search_words_live" in found, found


def test_copies_of_words_are_looked_at_some_at_a_time(many: psycopg.Connection[Any]) -> None:
    """All alerts that are live at once took a second, and the place in memory of what pages read."""
    rows = many.execute(
        "EXPLAIN " + statement("copy_changed_words").decode(), {"after": ONE, "most": 200}
    )
    found = "\n".join(row[0] for row in rows)
    assert "Seq Scan" not in found, found
    assert "ix_alert_search_live" in found, found


def test_copies_that_are_missing_are_found_by_what_is_live(many: psycopg.Connection[Any]) -> None:
    rows = many.execute("EXPLAIN " + statement("copy_missed_words").decode(), {"most": 500})
    found = "\n".join(row[0] for row in rows)
    assert re.search(r"CTE live\n +-> +Index (Only )?Scan using \w+_live\w* on alerts", found), (
        found
    )
    assert "Seq Scan on alert_search " not in found, found
    # Only those that are missing, by their ids.
    assert found.count("pk_alerts") == 1, found
    assert "(id = missed.id)" in found, found


def test_the_alerts_of_an_hour_are_looked_up(many: psycopg.Connection[Any]) -> None:
    since = uuid7_at_least(datetime(2026, 1, 1, tzinfo=UTC))
    wanted = select(func.count()).where(Alert.workspace_id == ONE, Alert.id >= since)
    assert "Seq Scan" not in plan(many, wanted)


def test_alerts_of_known_ids_are_looked_up(many: psycopg.Connection[Any]) -> None:
    ids = tuple(f"01900000-0000-7000-8000-{n:012x}" for n in range(1, 40))
    found = plan(many, listing(ONE, replace(AlertFilter(LIVE), ids=ids), 51))
    assert "Seq Scan on alerts" not in found, found
