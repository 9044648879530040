"""The short timelines of groups, inhibition and flapping in real time, on real nodes, with spans of
seconds; nodes are replaced in between. By a clock that is set, they stand in tests/timers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from psycopg.types.json import Json

from tests.faults.load import Load
from tests.support.node import Node, nodes
from tests.support.outbox import JsonReceiver, receiving
from tests.support.postgres import Database, Server
from tests.support.workspace import KEY, Sender, Workspace
from tocsin.access.vault import Vault
from tocsin.delivery.channels.registry import ValidConfig, split_secrets, validate_config
from tocsin.model import Secret, uuid7

PATIENCE = 30.0
AT_ONCE = 4.0
"""Less than the interval of the group, and how late a busy machine may be."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Database]:
    with postgres_server.database() as fresh:
        yield fresh


class Hub:
    """A node, a sender, and a receiver that notes when what came."""

    def __init__(self, url: str, receiver: JsonReceiver) -> None:
        self.url = url
        self.workspace = Workspace(url)
        self.sender: Sender = self.workspace.sender()
        self.came: list[tuple[float, dict[str, Any]]] = []
        self.receiver = receiver
        self.start = time.monotonic()
        receiver.answer = self._note
        self._load = Load()
        self._node: Any = None

    def _note(self, body: dict[str, Any]) -> web.Response:
        self.came.append((time.monotonic(), body))
        return web.Response(status=204)

    def rule(self, **columns: Any) -> None:
        _, destination = self.workspace.rule(
            event_types=["alerts.triggered", "alerts.resolved"], **columns
        )
        valid = validate_config("webhook", {"url": self.receiver.url})
        assert isinstance(valid, ValidConfig), valid
        split = split_secrets(valid)
        self.workspace.sql(
            "UPDATE alert_destinations SET config = %s, secret_config = %s WHERE id = %s",
            Json(split.public),
            Vault([KEY]).seal(Secret(json.dumps(split.secret))),
            destination,
        )

    async def begin(self) -> None:
        """Or, if it had begun: another node takes its place."""
        if self._node is not None:
            await asyncio.to_thread(self._node.__exit__, None, None, None)
        self._node = nodes(self.url, role="all", log_level="warning", outbound_allow="127.0.0.0/8")
        (self.node,) = await asyncio.to_thread(self._node.__enter__)
        assert isinstance(self.node, Node)
        await asyncio.to_thread(lambda: self.node.base_url)

    async def end(self) -> None:
        await self._load.__aexit__(None, None, None)
        if self._node is not None:
            await asyncio.to_thread(self._node.__exit__, None, None, None)

    async def send(self, name: str, status: str = "firing", **more: Any) -> float:
        """Returns when that began."""
        began = time.monotonic()
        payload = {"title": name, "external_id": name, "status": status, "severity": "HIGH", **more}
        reply = await self._load.webhook(self.node.base_url, self.sender, payload)
        assert reply.status in (200, 201), reply
        return began

    async def comes(self, count: int) -> float:
        """When the message of that number came."""
        deadline = time.monotonic() + PATIENCE
        while len(self.came) < count:
            assert time.monotonic() < deadline, self.said()
            await asyncio.sleep(0.02)
        return self.came[count - 1][0]

    def said(self) -> list[str]:
        return [_words(body) for _, body in self.came]


def _words(body: dict[str, Any]) -> str:
    kind = str(body["event_type"]).removeprefix("alerts.")
    if "group" not in body:
        return f"{kind} {body['alert']['title']}"
    changes = {name: count for name, count in body["group"]["changes"].items() if count}
    return f"{kind} {changes}"


@asynccontextmanager
async def hub(database: Database) -> AsyncIterator[Hub]:
    async with receiving() as receiver:
        opened = Hub(database.url, receiver)
        await opened._load.__aenter__()
        try:
            yield opened
        finally:
            await opened.end()


def waited(since: float, at: float, seconds: float) -> bool:
    return at - since >= seconds - 0.1


def at_once(since: float, at: float) -> bool:
    return at - since <= AT_ONCE


async def test_groups(database: Database) -> None:
    async with hub(database) as it:
        it.rule(
            group_by=["service"],
            group_wait_seconds=2,
            group_interval_seconds=5,
            group_linger_seconds=20,
        )
        await it.begin()
        shop = {"labels": {"service": "checkout"}}
        first = await it.send("A1", **shop)
        await it.send("A2", **shop)
        assert waited(first, await it.comes(1), 2)
        # A new maximum goes at once.
        sent = await it.send("A3", **shop | {"severity": "CRITICAL"})
        second = await it.comes(2)
        assert at_once(sent, second)
        await it.send("A2", "resolved", **shop)
        await it.send("A4", **shop)
        await it.begin()
        await it.send("A4", "resolved", **shop)
        assert waited(second, await it.comes(3), 5)
        await it.send("A1", "resolved", **shop)
        sent = await it.send("A3", "resolved", **shop)
        assert at_once(sent, await it.comes(4))
        # What comes back within the linger time joins again.
        sent = await it.send("A1", **shop)
        assert at_once(sent, await it.comes(5))
        assert it.said() == [
            "group {'new': 2, 'open': 2}",
            "group {'new': 1, 'open': 3}",
            "group {'ended': 1, 'passed': 1, 'open': 2}",
            "group {'ended': 2}",
            "group {'new': 1, 'open': 1}",
        ]
        assert len({body["group"]["id"] for _, body in it.came}) == 1


def inhibition(workspace: Workspace, *, delay: int, grace: int) -> None:
    def asks(check: str) -> Json:
        return Json([{"label": "check", "op": "=", "value": check}])

    workspace.insert(
        "inhibition_rules",
        id=uuid7(),
        workspace_id=workspace.id,
        name="A host that is down",
        equal=["host"],
        source_matchers=asks("ping"),
        target_matchers=asks("disk"),
        delay_seconds=delay,
        grace_seconds=grace,
    )


async def test_inhibition(database: Database) -> None:
    async with hub(database) as it:
        it.rule()
        inhibition(it.workspace, delay=2, grace=2)
        await it.begin()

        def about(check: str, host: str) -> dict[str, Any]:
            return {"labels": {"check": check, "host": host}}

        # A source that comes in time holds it; one that comes too late does not.
        held = await it.send("T", **about("disk", "db-1"))
        await it.send("late", **about("disk", "db-2"))
        await it.send("S", **about("ping", "db-1"))
        await it.comes(1)
        assert waited(held, await it.comes(2), 2)
        await it.send("S-2", **about("ping", "db-2"))
        await it.comes(3)
        assert it.said() == ["triggered S", "triggered late", "triggered S-2"]
        # It was told, so its end is, too.
        await it.send("late", "resolved", **about("disk", "db-2"))
        await it.comes(4)
        # What holds is over: so is the other after the time of grace, though all nodes are new.
        over = await it.send("S", "resolved", **about("ping", "db-1"))
        await it.comes(5)
        assert it.said()[3:] == ["resolved late", "resolved S"]
        await it.begin()
        await it.comes(6)
        assert waited(over, it.came[5][0], 2)
        assert it.said()[5] == "triggered T"
        assert it.came[5][1]["held"]["reason"] == "inhibited"
        # Over within the grace: nothing.
        await it.send("T-2", **about("disk", "db-2"))
        await it.send("S-2", "resolved", **about("ping", "db-2"))
        await it.comes(7)
        await it.send("T-2", "resolved", **about("disk", "db-2"))
        ((status, reason),) = it.workspace.sql(
            "SELECT DISTINCT d.status::text, d.reason FROM alert_deliveries d"
            " JOIN alerts a ON a.id = d.alert_id WHERE a.external_id = 'T-2'"
        )
        assert (status, reason) == ("canceled", "resolved_before_sent")


async def test_flapping(database: Database) -> None:
    numbers = {
        "half_life_minutes": 5 / 60,
        "start": 3,
        "stop": 1,
        "quiet_minutes": 2 / 60,
        "longest_minutes": 1,
        "digest_minutes": 4 / 60,
    }
    async with hub(database) as it:
        it.rule()
        it.workspace.sql("UPDATE integrations SET flapping = %s", Json(numbers))
        await it.begin()
        await it.send("disk")
        await it.comes(1)
        await it.send("disk", "resolved")
        await it.comes(2)
        await it.send("disk")
        await it.comes(3)
        began = await it.send("disk", "resolved")
        await it.comes(4)
        await it.send("disk")
        await it.begin()
        assert it.said() == ["triggered disk", "resolved disk", "triggered disk", "flapping disk"]
        last = await it.send("disk", "resolved")
        settled = await _settles(it)
        assert waited(last, settled, 2)
        assert set(it.said()[4:-1]) <= {"flapping disk"}
        assert it.came[-1][1]["alert"]["status"] == "RESOLVED"
        assert settled - began < 60
        assert len(_ids(it)) == 2


async def _settles(it: Hub) -> float:
    deadline = time.monotonic() + 2 * PATIENCE
    while not it.came or it.said()[-1] != "settled disk":
        assert time.monotonic() < deadline, it.said()
        await asyncio.sleep(0.05)
    return it.came[-1][0]


def _ids(it: Hub) -> set[str]:
    """The episodes: what flaps stays one alert."""
    return {body["alert"]["id"] for _, body in it.came}
