"""What changes people and what changes an alert at the same moment: one after the other, whichever is
first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.postgres import Database
from tests.timers.escalations import Paging, paging, to_user
from tocsin.alerts.alert_key import AlertKey, alert_lock

PATIENCE = 30.0


@pytest.fixture
def hub(database: Database) -> Iterator[Paging]:
    with paging(database.url) as opened:
        yield opened


@contextmanager
def locking(hub: Paging, alert: UUID, key: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of another node that has the alert's locks; it commits in the end."""
    ((integration_id,),) = hub.sql("SELECT integration_id FROM alerts WHERE id = %s", alert)
    with psycopg.connect(hub.workspace.url) as other:
        for lock in (AlertKey(integration_id.bytes, key).lock, alert_lock(alert.bytes)):
            other.execute("SELECT pg_advisory_xact_lock(%s)", [lock])
        yield other


def waits(hub: Paging, looking: Future[Any]) -> None:
    """Until the look waits for somebody, or is done."""
    deadline = time.monotonic() + PATIENCE
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while not looking.done() and hub.sql(waiting) == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def someone_has_left(hub: Paging) -> tuple[UUID, UUID]:
    """Whom the first step of an alert reached; then M is paged, and N."""
    u, m, n = hub.person("U", push=0, sms=3), hub.person("M", push=0), hub.person("N", push=0)
    hub.escalating_rule(hub.policy(to_user(u), to_user(m, minutes=10), to_user(n)))
    alert = hub.send("disk", severity="CRITICAL")
    hub.deliver()
    hub.look()
    hub.base.advance(60)
    hub.sql("DELETE FROM memberships WHERE user_id = %s", u)
    return alert, m


def test_a_step_that_begins_meanwhile_is_waited_for(hub: Paging) -> None:
    """It reaches somebody who is there: that an earlier one did not is no reason to pass it."""
    alert, m = someone_has_left(hub)
    due = hub.now + timedelta(minutes=10)
    with ThreadPoolExecutor(1) as pool:
        with locking(hub, alert, "disk") as other:
            other.execute(
                "INSERT INTO escalation_steps (escalation_id, loop, step, at, detail)"
                " SELECT id, 0, 1, %s, jsonb_build_object('reached', jsonb_build_array("
                "jsonb_build_object('user_id', %s::text))) FROM escalations",
                [hub.now, str(m)],
            )
            other.execute(
                "UPDATE escalations SET step = 1, step_due_at = %s, next_at = %s", [due, due]
            )
            looking = pool.submit(hub.look)
            waits(hub, looking)
        looking.result(PATIENCE)

    assert hub.escalation(alert)["step"] == 1
    assert hub.escalation(alert)["step_due_at"] == due
    assert "push of N" not in [name for name, *_ in hub.pages(alert)]


def test_neither_is_the_victim_of_a_deadlock(hub: Paging) -> None:
    """Whoever acknowledges cancels pages, then stops the escalation; the look did it the other way
    round."""
    alert, _ = someone_has_left(hub)
    with ThreadPoolExecutor(1) as pool:
        with locking(hub, alert, "disk") as other:
            other.execute(
                "UPDATE alert_deliveries SET status = 'canceled', reason = 'acknowledged_before_sent'"
                " WHERE status = 'deferred'"
            )
            looking = pool.submit(hub.look)
            waits(hub, looking)
            other.execute("UPDATE alerts SET status = 'ACKNOWLEDGED', acknowledged_at = now()")
            other.execute(
                "UPDATE escalations SET state = 'stopped', reason = 'acknowledged', next_at = NULL"
            )
        looking.result(PATIENCE)

    assert hub.escalation(alert)["state"] == "stopped"
    assert hub.escalation(alert)["next_at"] is None
    assert "push of M" not in [name for name, *_ in hub.pages(alert)]
