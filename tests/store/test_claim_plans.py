"""The claim must cost the same at any size of the table and with any statistics, none included: its
plan is looked at, on each supported server, where nothing was ever analysed and where the statistics
speak of an empty queue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.outbox import Outbox
from tests.support.postgres import Database
from tocsin.store.queue_statements import PLANNER
from tocsin.store.statements import statement

pytestmark = pytest.mark.unused_database

PARAMETERS = {
    "claim_deliveries": {
        "destinations": "uuid[]",
        "rooms": "int[]",
        "tests_only": "bool[]",
        "floors": "bigint[]",
        "critical_only": "bool[]",
        "node": "text",
        "lease_seconds": "float8",
    },
    "count_pages": {"destinations": "uuid[]", "most": "bigint"},
    "count_waiting": {"destinations": "uuid[]", "most": "bigint"},
    "due_lanes": {"floors": "jsonb"},
    "expire_deliveries": {"destinations": "uuid[]"},
    "record_outcomes": {"outcomes": "json", "node": "text", "reached": "uuid[]"},
    "renew_leases": {"lease_seconds": "float8", "ids": "uuid[]", "node": "text"},
}
BY_ID = {"record_outcomes", "renew_leases"}


@pytest.fixture(params=["never analysed", "analysed while empty"])
def connection(
    request: pytest.FixtureRequest, every_database: Database
) -> Iterator[psycopg.Connection[Any]]:
    outbox = Outbox(every_database)
    destination = outbox.destination("ops")
    if request.param == "analysed while empty":
        outbox.db.execute("ANALYZE")
    outbox.plan_many(destination, 3_000)
    outbox.db.execute(PLANNER)
    yield outbox.db
    outbox.close()


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_walks_the_index_it_is_meant_to(
    connection: psycopg.Connection[Any], name: str
) -> None:
    plan = explained(connection, name)
    used = re.findall(r"(?:Index|Index Only) Scan using (\w+) on alert_deliveries", plan)
    meant = {
        "ix_alert_deliveries_due",
        "ix_alert_deliveries_fresh",
        "ix_alert_deliveries_lane",
        "ix_alert_deliveries_tests",
        "pk_alert_deliveries",
    }
    assert ("pk_alert_deliveries" if name in BY_ID else "ix_alert_deliveries_fresh") in used
    assert set(used) <= meant
    assert not re.search(
        r"Sort|Seq Scan on alert_deliveries\b|Bitmap|Materialize|Join Filter", plan
    ), plan
    # Looked up by both columns, never by the destination alone, which may have a long queue; except for
    # the one row that says which destination is next.
    for condition in re.findall(r"using ix_alert_deliveries_lane .*\n\s*Index Cond: (.*)", plan):
        assert "alert_id" in condition or "alert_destination_id >" in condition


def explained(connection: psycopg.Connection[Any], name: str) -> str:
    """The generic plan, as the dispatcher's connections prepare it."""
    kinds = list(PARAMETERS[name])
    text = re.sub(
        r"%\((\w+)\)s", lambda found: f"${kinds.index(found[1]) + 1}", statement(name).decode()
    )
    types = ", ".join(PARAMETERS[name].values())
    connection.execute(f"PREPARE it{f'({types})' if types else ''} AS {text}")
    nothing = ", ".join("NULL" for _ in kinds)
    rows = connection.execute(f"EXPLAIN (COSTS off) EXECUTE it{f'({nothing})' if nothing else ''}")
    return "\n".join(row[0] for row in rows)
