"""What the endpoint answers by its own settings and faults; the rest is told over HTTP in
tests/story/."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.ingest.office import Office, office
from tests.postgres import Database
from tests.story.site import Sender
from tocsin.ingest.endpoint import Endpoint
from tocsin.ingest.webhook import Answer, Webhook
from tocsin.settings import Settings


@pytest.fixture
def opened(database: Database) -> Iterator[Office]:
    with office(database.url) as fresh:
        yield fresh


class Door:
    """The endpoint without a server around it."""

    def __init__(self, office: Office, **settings: Any) -> None:
        self.office = office
        self.endpoint = Endpoint(
            office.configuration, office.batcher, Settings(data_dir=Path("/nowhere"), **settings)
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
        self.office.run(self.endpoint(scope, receive, send))
        start, content = sent
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        return start["status"], answered, json.loads(content["body"])

    def send(self, sender: Sender, payload: Any) -> tuple[int, dict[str, str], Any]:
        body = json.dumps(payload).encode()
        return self.post(sender.path, body, sender.headers(body))


def test_over_the_rate_limit_it_is_503_with_retry_after(opened: Office) -> None:
    door = Door(opened, rate_limit_per_second=0.01)
    sender, other = opened.site.sender(), opened.site.sender()
    assert door.send(sender, {"title": "one"})[0] == 201
    status, headers, problem = door.send(sender, {"title": "two"})
    assert (status, problem["type"]) == (503, "/problems/rate-limited")
    assert int(headers["retry-after"]) > 0
    assert headers["content-type"] == "application/problem+json"
    assert len(opened.site.deliveries(sender)) == 1
    # One sender's haste is not another's fault, and what is not authentic does not count.
    assert door.post(other.path, b"{}", {})[0] == 401
    assert door.send(other, {"title": "one"})[0] == 201


def test_a_fault_of_ours_is_a_problem_document(
    opened: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(webhook: Webhook) -> Answer:
        raise RuntimeError("a detail of the inside")

    door, sender = Door(opened), opened.site.sender()
    monkeypatch.setattr(type(opened.batcher), "submit", lambda self, webhook: fail(webhook))
    status, headers, problem = door.send(sender, {"title": "T"})
    assert (status, problem["type"]) == (500, "/problems/internal-error")
    assert headers["content-type"] == "application/problem+json"
    assert "inside" not in json.dumps(problem)


def test_a_flood_of_guesses_is_one_look(opened: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever tries ids at random keeps nobody from the database."""
    import asyncio

    looks = 0
    look = type(opened.configuration).look

    async def counted(self: Any) -> Any:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.01)
        return await look(self)

    monkeypatch.setattr(type(opened.configuration), "look", counted)

    async def main() -> list[Any]:
        return await asyncio.gather(*(opened.configuration.find(uuid4()) for _ in range(200)))

    assert opened.run(main()) == [None] * 200
    assert looks <= 2
