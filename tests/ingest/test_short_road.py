"""The short road answers as the long one does, and leaves to it all that is not ordinary."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote
from uuid import uuid4

import pytest

from tests.ingest.harness import Harness, harness
from tests.support.postgres import Database
from tocsin.heartbeats.pings import Pings
from tocsin.ingest import short_road, understand
from tocsin.ingest.batcher import Batcher
from tocsin.ingest.endpoint import Endpoint
from tocsin.ingest.lanes import Lanes
from tocsin.ingest.received_webhook import Webhook
from tocsin.ingest.refusals import OVERLOADED
from tocsin.ingest.sender_clocks import CLOCK_BEHIND
from tocsin.ingest.short_road import ShortRoad
from tocsin.model import utc_now
from tocsin.settings import Settings

IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Sent = tuple[int, dict[bytes, bytes], str]


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


class BothRoads:
    def __init__(self, harness: Harness, **settings: Any) -> None:
        self.harness = harness
        set_up = Settings(data_dir=Path("/nowhere"), **settings)
        pings = Pings(harness.workspace.url, queue_limit=10)
        self.endpoint = Endpoint(harness.senders, harness.batcher, pings, set_up)
        self.short = ShortRoad(self.endpoint, harness.senders, harness.batcher, set_up)

    def by_the_short_road(self, scope: Any, body: bytes) -> Sent | None:
        """None if it is not taken."""

        async def ask() -> Sent | None:
            answered: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()

            def answer(status: int, lines: bytes, content: bytes) -> None:
                headers = [line.split(b": ", 1) for line in lines.split(b"\r\n")[:-1]]
                answered.set_result(_plain(status, headers, content))

            method, target = scope["method"].encode(), scope["raw_path"]
            taken = self.short.take(method, target, scope["headers"], body, answer)
            return await answered if taken else None

        return self.harness.run(ask())

    def by_the_long_road(self, scope: Any, body: bytes) -> Sent:
        async def ask() -> Sent:
            sent: list[Any] = []

            async def receive() -> Any:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: Any) -> None:
                sent.append(message)

            await self.endpoint(scope, receive, send)
            start, content = sent
            (_, length), *headers = start["headers"]
            assert length == b"%d" % len(content["body"])
            return _plain(start["status"], headers, content["body"])

        return self.harness.run(ask())

    @property
    def held(self) -> int:
        return self.endpoint.bodies.held


def _plain(status: int, headers: Any, body: bytes) -> Sent:
    """An answer without its ids."""
    return status, dict(headers), IDS.sub("id", body.decode())


def scope(path: str, headers: dict[str, str], method: str = "POST") -> Any:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    target = path.encode("latin-1")
    return {
        "type": "http",
        "method": method,
        "path": unquote(path.partition("?")[0]),
        "raw_path": target,
        "headers": raw,
    }


def test_ordinary_ones_are_answered_alike_on_both(opened: Harness) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))
    stories: list[list[Any]] = [
        [{"title": "one", "id": "a"}, {"title": "one", "id": "a"}],
        [{"title": "two", "id": "b"}, {"title": "two", "id": "b", "status": "resolved"}],
        [{"title": "three"}, {"title": "three", "severity": "strange"}],
        [{"title": "four", "status": "maintenance"}],
    ]
    for story in stories:
        for payload in story:
            kept = json.loads(json.dumps(payload).replace('"id": "', '"id": "long-'))
            kept["title"] += " by the long road"
            answers = []
            for said, road in ((payload, roads.by_the_short_road), (kept, roads.by_the_long_road)):
                body = json.dumps(said).encode()
                answers.append(road(scope(sender.path, sender.headers(body)), body))
            assert answers[0] == answers[1]
    assert roads.held == 0


def test_the_last_part_of_the_path_can_be_the_secret(opened: Harness) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender(auth_scheme="url")
    opened.run(opened.senders.find(sender.id))
    body = b'{"title": "x"}'
    answer = roads.by_the_short_road(scope(sender.path, {}), body)
    assert answer is not None
    assert answer[0] == 201
    assert roads.by_the_short_road(scope(f"/webhooks/{sender.id}/wrong", {}), body) is None


def test_a_query_says_nothing(opened: Harness) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))
    body = b'{"title": "x", "id": "a"}'
    asked = scope(f"{sender.path}?source=a%20b", sender.headers(body))
    assert roads.by_the_short_road(asked, body) is not None
    again = scope(sender.path, sender.headers(body))
    assert roads.by_the_short_road(again, body) == roads.by_the_long_road(asked, body)


def test_whom_an_address_names_is_looked_up_again_when_the_configuration_changes(
    opened: Harness,
) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))
    body = b'{"title": "x"}'

    def answer() -> Sent | None:
        return roads.by_the_short_road(scope(sender.path, sender.headers(body)), body)

    assert answer() is not None
    opened.workspace.sql("UPDATE integrations SET is_active = false WHERE id = %s", sender.id)
    opened.run(opened.feed.look())
    assert answer() is None
    opened.workspace.sql("UPDATE integrations SET is_active = true WHERE id = %s", sender.id)
    opened.run(opened.feed.look())
    assert answer() is not None


def test_addresses_that_are_remembered_are_few(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(short_road, "_REMEMBERED", 3)
    roads = BothRoads(opened)
    sender = opened.workspace.sender(auth_scheme="url")
    opened.run(opened.senders.find(sender.id))
    body = b'{"title": "x"}'
    for number in range(20):
        wrong = scope(f"/webhooks/{sender.id}/{number}", {})
        assert roads.by_the_short_road(wrong, body) is None
        assert len(roads.short._known) <= 4
    assert roads.by_the_short_road(scope(sender.path + "?" + "x" * 300, {}), body) is None
    assert roads.by_the_short_road(scope(sender.path, {}), body) is not None


def test_a_clock_that_is_behind_is_noticed(opened: Harness) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender("prometheus")
    opened.run(opened.senders.find(sender.id))
    for minute in range(5):
        end = utc_now() - timedelta(minutes=20 - minute)
        body = json.dumps([{"labels": {"alertname": "Down"}, "endsAt": end.isoformat()}]).encode()
        assert roads.by_the_short_road(scope(sender.path, sender.headers(body)), body) is not None
    flags = [row["flags"] for row in opened.workspace.deliveries(sender)]
    assert flags == [[], [], [], [CLOCK_BEHIND], [CLOCK_BEHIND]]


@pytest.mark.parametrize(
    "what",
    [
        "method",
        "path",
        "unknown",
        "no id",
        "quoted",
        "unsigned",
        "packed",
        "form",
        "fields",
        "text",
        "large",
    ],
)
def test_what_is_not_ordinary_is_left_alone(opened: Harness, what: str) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))
    body = b'{"title": "x"}'
    match what:
        case "packed":
            body = gzip.compress(body)
        case "form":
            body = b"payload=%7B%22title%22%3A%22x%22%7D"
        case "fields":
            body = b""
        case "text":
            body = b"not JSON"
        case "large":
            body = json.dumps({"title": "x", "filling": "x" * 40_000}).encode()
    headers = {} if what == "unsigned" else sender.headers(body)
    if what == "packed":
        headers["content-encoding"] = "gzip"
    path = {
        "path": "/api/v1/alerts",
        "unknown": f"/webhooks/{uuid4()}",
        "no id": "/webhooks/x",
        "quoted": sender.path.replace("-", "%2D"),
        "fields": f"{sender.path}?title=x",
    }
    asked = scope(path.get(what, sender.path), headers, "GET" if what == "method" else "POST")
    assert roads.by_the_short_road(asked, body) is None
    assert roads.held == 0
    assert opened.workspace.one("SELECT count(*) FROM webhook_deliveries") == 0


def test_so_is_all_where_there_is_a_rate_limit_or_no_memory(opened: Harness) -> None:
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))
    body = b'{"title": "x"}'
    asked = scope(sender.path, sender.headers(body))
    limited = BothRoads(opened, rate_limit_per_second=1_000)
    assert limited.by_the_short_road(asked, body) is None
    full = BothRoads(opened, ingest_body_bytes=1_048_576)
    full.endpoint.bodies.held = 1_048_576
    assert full.by_the_short_road(asked, body) is None


def test_what_cannot_be_understood_for_a_fault_of_ours_is_left_alone(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))

    def broken(*given: Any, **named: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(short_road, "read_authentic", broken)
    body = b'{"title": "x"}'
    assert roads.by_the_short_road(scope(sender.path, sender.headers(body)), body) is None


def test_a_fault_of_a_parser_is_answered_alike(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))

    def broken(*given: Any, **named: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(understand, "fingerprint", broken)
    body = b'{"title": "x"}'
    asked = scope(sender.path, sender.headers(body))
    answers = [roads.by_the_short_road(asked, body), roads.by_the_long_road(asked, body)]
    assert answers[0] == answers[1]
    assert opened.workspace.one("SELECT count(*) FROM webhook_deliveries") == 2


@pytest.mark.parametrize(("is_kept", "status"), [(True, 201), (False, 503)])
def test_a_heartbeat_bound_meanwhile_is_pinged_before_the_answer(
    opened: Harness, monkeypatch: pytest.MonkeyPatch, is_kept: bool, status: int
) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))
    enqueue, pinged = Lanes.enqueue_light, []

    def bound(lanes: Lanes, webhook: Webhook, tell: Any) -> bool:
        queued = enqueue(lanes, webhook, tell)
        webhook.pings = [cast(Any, "a ping")]
        return queued

    async def ping(endpoint: Endpoint, webhook: Webhook) -> bool:
        pinged.append(webhook.pings)
        return is_kept

    monkeypatch.setattr(Lanes, "enqueue_light", bound)
    monkeypatch.setattr(Endpoint, "ping", ping)
    body = b'{"title": "x"}'
    answer = roads.by_the_short_road(scope(sender.path, sender.headers(body)), body)
    assert answer is not None
    assert answer[0] == status
    assert pinged == [["a ping"]]
    assert roads.held == 0


def test_a_full_queue_is_answered_alike(opened: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    roads = BothRoads(opened)
    sender = opened.workspace.sender()
    opened.run(opened.senders.find(sender.id))
    body = b'{"title": "x"}'
    asked = scope(sender.path, sender.headers(body))
    monkeypatch.setattr(Batcher, "enqueue", lambda *given: OVERLOADED)
    assert roads.by_the_short_road(asked, body) == roads.by_the_long_road(asked, body)
    assert roads.held == 0
