"""Two nodes, the one that keeps the clock killed again and again, every connection of the database cut:
no step of an escalation is lost, and none is taken twice. In real time, with short waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.faults.test_clock_leader import leader, node
from tests.ingest.harness import harness
from tests.support.node import eventually
from tests.support.postgres import Database, Server
from tests.timers.escalations import Paging, to_user

ALERTS = 60
STEPS = 3
LOOPS = 3


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Database]:
    with postgres_server.database() as fresh:
        yield fresh


def cut_all(hub: Paging) -> None:
    """As a restart of the database does it to those who are connected."""
    with psycopg.connect(hub.workspace.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def live(hub: Paging) -> int:
    return int(
        hub.workspace.one("SELECT count(*) FROM escalations WHERE state IN ('running', 'held')")
    )


def taken_by_now(hub: Paging) -> int:
    return int(hub.workspace.one("SELECT count(*) FROM escalation_steps"))


@pytest.mark.timeout(300)
def test_no_step_is_lost_and_none_is_taken_twice(database: Database, tmp_path: Path) -> None:
    with harness(database.url) as base:
        hub = Paging(base)
        people = [hub.person(name, push=0, sms=1 / 60) for name in "ABC"]
        steps = [to_user(person, minutes=4 / 60) for person in people]
        hub.escalating_rule(hub.policy(*steps, repeat=LOOPS - 1))
        workspace, sender = hub.workspace, hub.sender
        hub.close()
    with ExitStack() as stack:
        running = [stack.enter_context(node(workspace, tmp_path / name)) for name in "01"]
        with running[0].client() as client:
            for number in range(ALERTS):
                payload = {"title": "T", "external_id": str(number), "severity": "CRITICAL"}
                assert client.send(sender, payload).status == 201
        for number in range(2, 5):
            if number % 2:
                cut_all(hub)
            else:
                running.pop(0).kill()
                running.append(stack.enter_context(node(workspace, tmp_path / str(number))))
            eventually(lambda: leader(workspace) is not None, "somebody keeps the clock")
            before = taken_by_now(hub)
            eventually(lambda: taken_by_now(hub) > before, "steps are taken")  # noqa: B023
        eventually(lambda: live(hub) == 0, "all of them end")
    taken = workspace.sql(
        "SELECT escalation.alert_id, step.loop, step.step FROM escalation_steps AS step"
        " JOIN escalations AS escalation ON escalation.id = step.escalation_id"
        " ORDER BY 1, step.at, 2, 3"
    )
    by_alert: dict[object, list[tuple[int, int]]] = {}
    for alert_id, loop, step in taken:
        by_alert.setdefault(alert_id, []).append((loop, step))
    whole = [(loop, step) for loop in range(LOOPS) for step in range(STEPS)]
    assert len(by_alert) == ALERTS
    assert all(steps == whole for steps in by_alert.values())
    states = workspace.sql("SELECT state::text, reason, count(*) FROM escalations GROUP BY 1, 2")
    assert states == [("exhausted", "no_acknowledgement", ALERTS)]
    pages = Counter(
        workspace.sql(
            "SELECT alert_id, alert_destination_id FROM alert_deliveries"
            " WHERE reason = 'escalation'"
        )
    )
    assert len(pages) == ALERTS * STEPS * 2, "everyone by both contact methods"
    assert set(pages.values()) == {LOOPS}, "once in each loop"
    late = workspace.one(
        "SELECT max(extract(epoch FROM later.at - earlier.at)) FROM escalation_steps AS earlier"
        " JOIN escalation_steps AS later USING (escalation_id, loop)"
        " WHERE later.step = earlier.step + 1"
    )
    soon = workspace.one(
        "SELECT min(extract(epoch FROM later.at - earlier.at)) FROM escalation_steps AS earlier"
        " JOIN escalation_steps AS later USING (escalation_id, loop)"
        " WHERE later.step = earlier.step + 1"
    )
    assert soon >= 4, "never before its time"
    assert late < 60
