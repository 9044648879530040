"""The node that keeps the clock is killed, and another takes over: what was held while it died is looked
at when its hold ends, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Json

from tests.support.node import Node, eventually
from tests.support.postgres import Database, Server
from tests.support.workspace import Workspace
from tocsin.model import utc_now, uuid7
from tocsin.store.clock import LEADER_LOCK

DEATHS = 3


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Database]:
    with postgres_server.database() as fresh:
        yield fresh


@pytest.fixture
def workspace(database: Database) -> Workspace:
    return Workspace(database.url)


@contextmanager
def node(workspace: Workspace, folder: Path) -> Iterator[Node]:
    folder.mkdir()
    started = Node(workspace.url, folder, log_level="warning")
    try:
        assert started.base_url
        yield started
    finally:
        started.kill()


def leader(workspace: Workspace) -> int | None:
    """The database process that keeps the lead for its node."""
    found = workspace.sql(
        "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
        " AND (classid::bigint << 32) | objid::bigint = %s",
        LEADER_LOCK,
    )
    return found[0][0] if found else None


def silence(workspace: Workspace, seconds: float) -> None:
    now = utc_now()
    workspace.insert(
        "silences",
        id=uuid7(),
        workspace_id=workspace.id,
        matchers=Json([{"label": "host", "op": "=", "value": "db-1"}]),
        starts_at=now,
        ends_at=now + timedelta(seconds=seconds),
        author="ana",
        comment="",
    )


def messages(workspace: Workspace, alert_id: str) -> list[tuple[Any, ...]]:
    return workspace.sql(
        "SELECT status::text, reason FROM alert_deliveries WHERE alert_id = %s", alert_id
    )


def test_the_leader_dies_and_what_was_held_is_notified_all_the_same(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.rule(event_types=["alerts.triggered"])
    sender = workspace.sender()
    with ExitStack() as stack:
        first = stack.enter_context(node(workspace, tmp_path / "0"))
        for number in range(1, DEATHS + 1):
            eventually(lambda: leader(workspace) is not None, "somebody keeps the clock")
            led = leader(workspace)
            second = stack.enter_context(node(workspace, tmp_path / str(number)))
            silence(workspace, 4)
            with second.client() as client:
                payload = {"title": "T", "external_id": str(number), "labels": {"host": "db-1"}}
                answer = client.send(sender, payload)
            assert answer.status == 201, answer
            alert_id = answer.json()["alert_id"]
            assert messages(workspace, alert_id) == [("deferred", "silence")]
            assert leader(workspace) == led
            first.kill()
            eventually(
                lambda: messages(workspace, alert_id) == [("queued", "rule")],  # noqa: B023
                "it is notified when the silence ends",
            )
            assert leader(workspace) not in (None, led)
            first = second
