"""Ten thousand alerts in a minute to a workflow of Teams that takes ninety messages an hour.

`python -m bench storm` measures it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from psycopg.types.json import Json

from tests.faults.load import Load
from tests.support.node import nodes
from tests.support.outbox import JsonReceiver, receiving
from tests.support.postgres import Database, Server
from tests.support.workspace import KEY, Sender, Workspace
from tocsin.access.vault import Vault
from tocsin.model import Secret

ALERTS = 10_000
SECONDS = 60.0
PER_HOUR = 90
PATIENCE = 60.0


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Database]:
    with postgres_server.database() as fresh:
        yield fresh


class Workflow:
    """It counts, and refuses more than ninety."""

    def __init__(self, receiver: JsonReceiver) -> None:
        self.receiver = receiver
        self.first_critical: float | None = None
        self.refused = 0
        receiver.answer = self._answer

    def _answer(self, body: dict[str, object]) -> web.Response:
        if "CRITICAL" in str(body["summary"]) and self.first_critical is None:
            self.first_critical = time.monotonic()
        if len(self.receiver.bodies) > PER_HOUR:
            self.refused += 1
            return web.Response(status=429)
        return web.Response(status=202)


def teams(workspace: Workspace, url: str) -> None:
    _, destination = workspace.rule(event_types=["alerts.triggered"])
    workspace.sql(
        "UPDATE alert_destinations SET type = 'teams', config = %s, secret_config = %s WHERE id = %s",
        Json({"url": "https://…", "payload": "message", "timezone": "UTC"}),
        Vault([KEY]).seal(Secret(f'{{"url": "{url}"}}')),
        destination,
    )


async def post(load: Load, base_url: str, sender: Sender, number: int, severity: str) -> None:
    payload = {"title": f"Disk {number}", "external_id": f"d-{number}", "severity": severity}
    reply = await load.webhook(base_url, sender, payload)
    assert reply.status == 201, reply


def memory(pid: int) -> int:
    """Megabytes at most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_storm_is_said_in_a_few_messages(database: Database) -> None:
    workspace = Workspace(database.url)
    sender = workspace.sender()
    async with receiving() as receiver:
        workflow = Workflow(receiver)
        teams(workspace, receiver.url)
        with nodes(database.url, role="all", log_level="warning", outbound_allow="127.0.0.0/8") as (
            node,
        ):
            async with Load() as load:
                began = time.monotonic()
                critical_sent = 0.0
                under_way: set[asyncio.Task[None]] = set()
                for number in range(ALERTS):
                    at = number * SECONDS / ALERTS
                    await asyncio.sleep(max(began + at - time.monotonic(), 0.0))
                    severity = "LOW"
                    if number >= ALERTS / 2 and not critical_sent:
                        severity, critical_sent = "CRITICAL", time.monotonic()
                    task = asyncio.create_task(post(load, node.base_url, sender, number, severity))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
                    while len(under_way) > 200:
                        await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.gather(*under_way)
                sent_in = time.monotonic() - began
            pending = "SELECT count(*) FROM alert_deliveries WHERE status IN ('queued', 'deferred')"
            deadline = time.monotonic() + PATIENCE
            while workspace.one(pending) and time.monotonic() < deadline:
                await asyncio.sleep(0.2)
                # The interval until the next digest is over.
                workspace.sql(
                    "UPDATE alert_groups SET look_at = now(), last_sent_at = now() - interval '5 min'"
                    " WHERE kind = 'storm' AND last_sent_at < now() - interval '3 seconds'"
                )
            peak = memory(node.process.pid)
    rows = Counter(
        (row[0], row[1], row[2])
        for row in workspace.sql(
            "SELECT status::text, reason, carried_by IS NOT NULL FROM alert_deliveries"
            " WHERE alert_id IS NOT NULL"
        )
    )
    assert workflow.first_critical is not None
    after = workflow.first_critical - critical_sent
    print(
        f"{ALERTS} alerts in {sent_in:.0f} s: {len(receiver.bodies)} messages, the first CRITICAL after "
        f"{after:.2f} s, {peak} MB at most; {dict(rows)}"
    )
    for body in receiver.bodies:
        print(" ", body["summary"])
    assert len(receiver.bodies) <= 10
    assert not workflow.refused
    assert after < 1
    assert sum(rows.values()) == ALERTS
    assert set(rows) <= {("sent", "rule", False), ("sent", "rate_limited", True)}
