"""Pings as they are committed: many in one transaction, each as if it came alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from tests.heartbeats.watching import Watching, another_node, watching
from tests.support.postgres import Database
from tocsin.heartbeats.beat import Ping, PingKind, PingOutcome
from tocsin.heartbeats.pings import HeartbeatName, IncomingPing, PingRefusal
from tocsin.heartbeats.rows import PINGS_KEPT

START, SUCCESS, FAIL, LOG = PingKind
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def hub(database: Database) -> Iterator[Watching]:
    with watching(database.url) as opened:
        yield opened


def test_a_ping_arms_and_is_on_record(hub: Watching) -> None:
    heartbeat = hub.heartbeat()
    assert hub.ping(body="42 files", method="POST") is PingOutcome.COUNTED
    assert (hub.state(), hub.status("due_at")) == ("up", hub.now + 70 * MINUTE)
    assert hub.sql(
        "SELECT heartbeat_id, place, number, kind, outcome, body FROM heartbeat_pings"
    ) == [(heartbeat, 0, 1, "success", "counted", "42 files")]
    assert hub.sql(
        "SELECT before, after, reason, processed_at IS NOT NULL FROM heartbeat_changes"
    ) == [("new", "up", "first_ping", True)]


def test_names(hub: Watching) -> None:
    heartbeat = hub.heartbeat()
    other = hub.workspace.other_workspace("other")
    ping = Ping(SUCCESS)
    names = [
        HeartbeatName(id=heartbeat.bytes),
        HeartbeatName(workspace_id=hub.workspace.id.bytes, slug="backup"),
        HeartbeatName(workspace_id=other.id.bytes, slug="backup"),
        HeartbeatName(workspace_id=hub.workspace.id.bytes, slug="Backup"),
        HeartbeatName(digest=bytes(16)),
        HeartbeatName(id=bytes(16)),
    ]
    answers = hub.submit([IncomingPing(name, ping, hub.now, "POST") for name in names])
    assert answers == [PingOutcome.COUNTED] * 2 + [PingRefusal.UNKNOWN] * 4


def test_what_was_deleted_pings_no_more(hub: Watching) -> None:
    heartbeat = hub.heartbeat()
    hub.sql(
        "UPDATE heartbeats SET deleted_at = now(), token_digest = NULL WHERE id = %s", heartbeat
    )
    name = HeartbeatName(id=heartbeat.bytes)
    incoming = IncomingPing(name, Ping(SUCCESS), hub.now, "POST")
    assert hub.submit([incoming]) == [PingRefusal.UNKNOWN]
    assert hub.ping() is PingRefusal.UNKNOWN


def test_one_batch_is_as_good_as_many(hub: Watching) -> None:
    for name in ("a", "b"):
        hub.heartbeat(name)
    kinds = [SUCCESS, FAIL, SUCCESS, START, FAIL, SUCCESS]
    hub.submit([hub.incoming(name, kind) for kind in kinds for name in ("a", "b")])
    changes = [
        ("new", "up"), ("up", "down"), ("down", "up"), ("up", "down"), ("down", "up"),
    ]  # fmt: skip
    for name in ("a", "b"):
        found = hub.sql(
            "SELECT before, after FROM heartbeat_changes c JOIN heartbeats h ON h.id = heartbeat_id"
            " WHERE name = %s ORDER BY sequence",
            name,
        )
        assert found == changes
        assert hub.status("ping_count", name) == len(kinds)


def test_the_newest_pings_are_kept_in_a_ring(hub: Watching) -> None:
    hub.heartbeat()
    hub.submit([hub.incoming("backup", LOG, body=str(n)) for n in range(PINGS_KEPT + 20)])
    hub.ping(kind=LOG, body="last")
    rows = hub.sql("SELECT number, body FROM heartbeat_pings ORDER BY number DESC")
    assert len(rows) == PINGS_KEPT
    assert rows[0] == (PINGS_KEPT + 21, "last")
    assert rows[-1] == (22, "21")


def test_only_a_post_counts_where_it_is_asked_for(hub: Watching) -> None:
    hub.heartbeat(methods="post")
    for method in ("GET", "HEAD"):
        assert hub.ping(method=method) is PingOutcome.WRONG_METHOD
    assert hub.state() == "new"
    assert hub.ping(method="POST") is PingOutcome.COUNTED
    assert hub.state() == "up"
    outcomes = hub.sql("SELECT outcome FROM heartbeat_pings ORDER BY number")
    assert [outcome for (outcome,) in outcomes] == ["wrong_method", "wrong_method", "counted"]


def test_a_regular_ping_leaves_the_index_alone(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping()
    looked = hub.status("look_at")
    hub.base.now += 30 * MINUTE
    hub.ping()
    assert hub.status("due_at") == hub.now + 70 * MINUTE
    assert hub.status("look_at") == looked
    hub.sql("UPDATE heartbeats SET max_run_seconds = 60")
    hub.ping(kind=START)
    assert hub.status("due_at") == hub.now + MINUTE
    assert hub.status("look_at") == min(looked, hub.now + MINUTE)


def test_pings_of_two_nodes_at_once_all_count(hub: Watching) -> None:
    names = [f"n{n}" for n in range(20)]
    for name in names:
        hub.heartbeat(name)
    with another_node(hub) as other:

        async def both() -> None:
            await asyncio.gather(
                *(
                    pings.submit(hub.incoming(name, SUCCESS))
                    for _ in range(5)
                    for pings, order in ((hub.pings, names), (other, names[::-1]))
                    for name in order
                )
            )

        hub.base.run(both())
    assert [hub.status("ping_count", name) for name in names] == [10] * 20


def test_a_database_that_is_away_is_said_and_a_dropped_connection_is_not(
    hub: Watching, database: Database
) -> None:
    hub.heartbeat()
    hub.ping()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert hub.ping() is PingOutcome.COUNTED
    assert hub.status("ping_count") == 2
    hub.base.run(hub.pings._disconnect())
    hub.pings._url = "postgresql://127.0.0.1:9/none?connect_timeout=1"
    assert hub.ping() is PingRefusal.UNAVAILABLE


def test_a_full_queue_refuses(hub: Watching) -> None:
    hub.heartbeat()
    hub.pings._queue_limit = 2
    answers = hub.submit([hub.incoming("backup", SUCCESS) for _ in range(5)])
    assert answers == [PingOutcome.COUNTED] * 2 + [PingRefusal.OVERLOADED] * 3


def test_a_faulty_ping_does_not_fail_its_neighbours(hub: Watching) -> None:
    hub.heartbeat()
    incoming = [hub.incoming("backup", SUCCESS, body=body) for body in ("a", "\0", "b")]
    answers = hub.submit(incoming)
    assert answers == [PingOutcome.COUNTED, PingRefusal.FAULT, PingOutcome.COUNTED]
    assert hub.status("ping_count") == 2


def test_run_ids_are_kept(hub: Watching) -> None:
    hub.heartbeat()
    hub.ping(kind=START, run_id=UUID(int=7))
    hub.base.now += MINUTE
    hub.ping(kind=SUCCESS, run_id=UUID(int=7), exit_code=0)
    rows = hub.sql("SELECT run_id, exit_code, duration_ms FROM heartbeat_pings ORDER BY number")
    assert rows == [(UUID(int=7), None, None), (UUID(int=7), 0, 60_000)]
    assert hub.status("last_duration_ms") == 60_000
