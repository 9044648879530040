"""What the endpoint answers by its own settings and faults; the rest is told over HTTP in
tests/story/."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.ingest.harness import Harness, harness
from tests.support.postgres import Database
from tests.support.workspace import Sender
from tocsin.ingest.endpoint import Endpoint
from tocsin.ingest.refusals import UNREADABLE_PAYLOAD, UNREADABLE_SECRET
from tocsin.ingest.reread import reread
from tocsin.ingest.sources.registry import SOURCES
from tocsin.ingest.understand import understand
from tocsin.ingest.webhook import Answer, Webhook
from tocsin.settings import Settings


@pytest.fixture
def opened(database: Database) -> Iterator[Harness]:
    with harness(database.url) as fresh:
        yield fresh


class BareEndpoint:
    """The endpoint without a server around it."""

    def __init__(self, harness: Harness, **settings: Any) -> None:
        self.harness = harness
        self.endpoint = Endpoint(
            harness.senders, harness.batcher, Settings(data_dir=Path("/nowhere"), **settings)
        )

    def post(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], Any]:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()],
        }
        self.harness.run(self.endpoint(scope, receive, send))
        start, content = sent
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], answered, json.loads(content["body"])

    def send(self, sender: Sender, payload: Any) -> tuple[int, dict[str, str], Any]:
        body = json.dumps(payload).encode()
        return self.post(sender.path, body, sender.headers(body))


def test_over_the_rate_limit_it_is_503_with_retry_after(opened: Harness) -> None:
    endpoint = BareEndpoint(opened, rate_limit_per_second=0.01)
    sender, other = opened.workspace.sender(), opened.workspace.sender()
    assert endpoint.send(sender, {"title": "one"})[0] == 201
    status, headers, problem = endpoint.send(sender, {"title": "two"})
    assert (status, problem["type"]) == (503, "/problems/rate-limited")
    assert int(headers["retry-after"]) > 0
    assert headers["content-type"] == "application/problem+json"
    assert len(opened.workspace.deliveries(sender)) == 1
    # One sender's haste is not another's fault, and what is not authentic does not count.
    assert endpoint.post(other.path, b"{}", {})[0] == 401
    assert endpoint.send(other, {"title": "one"})[0] == 201


def test_a_fault_of_ours_is_a_problem_document(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(webhook: Webhook) -> Answer:
        raise RuntimeError("a detail of the inside")

    endpoint, sender = BareEndpoint(opened), opened.workspace.sender()
    monkeypatch.setattr(type(opened.batcher), "submit", lambda self, webhook: fail(webhook))
    status, headers, problem = endpoint.send(sender, {"title": "T"})
    assert (status, problem["type"]) == (500, "/problems/internal-error")
    assert headers["content-type"] == "application/problem+json"
    assert "inside" not in json.dumps(problem)


def test_a_flood_of_guesses_is_one_look(opened: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries ids at random keeps nobody from the database."""
    import asyncio

    looks = 0
    look = type(opened.feed).look

    async def counted(self: Any) -> Any:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.01)
        return await look(self)

    monkeypatch.setattr(type(opened.feed), "look", counted)

    async def main() -> list[Any]:
        return await asyncio.gather(*(opened.senders.find(uuid4()) for _ in range(200)))

    assert opened.run(main()) == [None] * 200
    assert looks <= 2


def test_a_parser_that_crashes_is_on_record_as_that(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(self: Any, payload: Any, context: Any) -> Any:
        raise ZeroDivisionError("a detail of the inside")

    door, sender = BareEndpoint(opened), opened.workspace.sender()
    monkeypatch.setattr(type(SOURCES["generic"]), "parse", crash)
    status, _, problem = door.send(sender, {"title": "T"})
    assert (status, problem["type"]) == (500, "/problems/internal-error")
    assert problem["detail"] == UNREADABLE_PAYLOAD.detail
    (stored,) = opened.workspace.deliveries(sender)
    assert (stored["outcome"], stored["error_message"]) == ("failed", UNREADABLE_PAYLOAD.detail)


def test_a_secret_that_is_readable_again_lets_its_webhooks_in(opened: Harness) -> None:
    """Only what no configuration can change stays refused when the configuration has changed."""
    sender = opened.workspace.sender()
    door = BareEndpoint(opened)
    assert door.send(sender, {"title": "T"})[0] == 201
    entry = opened.senders.current[sender.id]
    body = json.dumps({"title": "U"}).encode()
    headers = {name.lower(): value for name, value in sender.headers(body).items()}
    unreadable = understand(replace(entry, profile=None), headers, body, opened.now)
    assert unreadable.settled is UNREADABLE_SECRET
    assert reread([unreadable], opened.senders.current)
    assert unreadable.settled is None
