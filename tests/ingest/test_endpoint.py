"""What the endpoint answers by its own settings and faults; the rest is tested over HTTP in
tests/story/."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.ingest.harness import Harness, harness
from tests.support.postgres import Database
from tests.support.workspace import Sender
from tocsin.heartbeats.pings import Pings
from tocsin.ingest import endpoint, rate_limit
from tocsin.ingest import understand as understand_module
from tocsin.ingest.endpoint import RECORDED_REJECTIONS_PER_SECOND, Endpoint
from tocsin.ingest.received_webhook import Accepted, Answer, Webhook
from tocsin.ingest.refusals import UNREADABLE_PAYLOAD, UNREADABLE_SECRET
from tocsin.ingest.reread import reread
from tocsin.ingest.sources.kit import decode
from tocsin.ingest.sources.registry import SOURCES
from tocsin.ingest.understand import interpret_stored, read_refused, understand
from tocsin.model import WebhookStatus
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
            harness.senders,
            harness.batcher,
            Pings(harness.workspace.url, queue_limit=10),
            Settings(data_dir=Path("/nowhere"), **settings),
        )

    def post(
        self, path: str, body: bytes, headers: dict[str, str], method: str = "POST", query: str = ""
    ) -> tuple[int, dict[str, str], Any]:
        return self.harness.run(self.answer(path, body, headers, method, query))

    async def answer(
        self, path: str, body: bytes, headers: dict[str, str], method: str = "POST", query: str = ""
    ) -> tuple[int, dict[str, str], Any]:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(n.lower().encode(), v.encode("latin-1")) for n, v in headers.items()],
        }
        await self.endpoint(scope, receive, send)
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
    assert "a detail of the inside" not in json.dumps(problem)


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
    assert reread([unreadable], opened.senders.current).changed
    assert unreadable.settled is None


COSTLY = "list[?contains(to_string(@), 'x')]"
"""Spends all that a mapping may."""


@pytest.mark.parametrize("expression", [COSTLY, "list[0]"])
def test_a_mapping_that_costs_much_is_read_in_a_thread(
    opened: Harness, monkeypatch: pytest.MonkeyPatch, expression: str
) -> None:
    """The loop pays for its first steps, and for no more."""
    sender = opened.workspace.sender(mapping={"title": expression})
    bare, longest = BareEndpoint(opened), Counter[str]()
    reading = understand_module.interpret

    def timed(*given: Any, **named: Any) -> Webhook:
        began = time.thread_time()
        try:
            return reading(*given, **named)
        finally:
            spent = round(1e6 * (time.thread_time() - began))
            name = threading.current_thread().name.partition("_")[0]
            longest[name] = max(longest[name], spent)

    monkeypatch.setattr(understand_module, "interpret", timed)
    assert bare.send(sender, {"title": "T", "list": list(range(4_000))})[0] == 201
    assert ("reading" in longest) == (expression is COSTLY)
    if expression is COSTLY:
        assert longest["MainThread"] < longest["reading"] / 3, longest


def test_one_workspaces_costly_mappings_do_not_delay_anothers(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[Sender] = []

    async def stored(webhook: Webhook) -> Answer:
        order.append(webhook.sender.id)
        return Accepted(WebhookStatus.IGNORED)

    monkeypatch.setattr(type(opened.batcher), "submit", lambda self, webhook: stored(webhook))
    bare = BareEndpoint(opened)
    theirs = opened.workspace.other_workspace("neighbour").sender(mapping={"title": COSTLY})
    sender = opened.workspace.sender(mapping={"title": COSTLY})
    body = json.dumps({"title": "T", "list": list(range(4_000))}).encode()

    async def main() -> None:
        await asyncio.gather(
            *(
                bare.answer(each.path, body, each.headers(body))
                for each in [sender] * 8 + [theirs] * 2
            )
        )

    opened.run(main())
    assert {order.index(theirs.id), 9 - order[::-1].index(theirs.id)} <= {0, 1, 2, 3, 4}, order


def test_a_flood_of_costly_mappings_is_refused_beyond_a_limit(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "READING_LIMIT", 3)
    bare, sender = BareEndpoint(opened), opened.workspace.sender(mapping={"title": COSTLY})

    async def main() -> list[int]:
        bodies = [
            json.dumps({"title": "T", "n": n, "list": list(range(4_000))}).encode()
            for n in range(6)
        ]
        answers = (bare.answer(sender.path, body, sender.headers(body)) for body in bodies)
        return [answer[0] for answer in await asyncio.gather(*answers)]

    assert sorted(opened.run(main())) == [201] * 3 + [503] * 3


def test_put_is_taken_like_post(opened: Harness) -> None:
    """Grafana's webhook contact point may be set to PUT, Site24x7 to PATCH, too."""
    bare, sender = BareEndpoint(opened), opened.workspace.sender()
    body = json.dumps({"title": "T"}).encode()
    assert bare.post(sender.path, body, sender.headers(body), method="PUT")[0] == 201
    other = json.dumps({"title": "U"}).encode()
    assert bare.post(sender.path, other, sender.headers(other), method="PATCH")[0] == 201
    status, headers, _ = bare.post(sender.path, body, sender.headers(body), method="DELETE")
    assert (status, headers["allow"]) == (405, "POST, PUT, PATCH")


def test_fields_in_the_address_are_a_form(opened: Harness) -> None:
    bare = BareEndpoint(opened)
    sender = opened.workspace.sender("uptimerobot", auth_scheme="url")
    fields = "monitorID=7&monitorFriendlyName=Shop&alertType=1&alertDetails=50%25+loss"
    path = sender.path
    assert bare.post(path, b"", {}, method="GET", query=fields)[0] == 201
    # Where nothing is set up as the body, UptimeRobot posts the address alone.
    up = fields.replace("alertType=1", "alertType=2")
    status, _, answer = bare.post(path, b"", {}, query=up)
    assert (status, answer["status"]) == (200, "resolved")
    assert bare.post(path + "x", b"", {}, method="GET", query=fields)[0] == 401
    for query in ("", "monitorID"):
        assert bare.post(path, b"", {}, method="GET", query=query)[0] == 405
    assert bare.post(path, b"{", {}, query=fields)[0] == 400


@pytest.mark.parametrize(
    ("headers", "pack"),
    [
        ({"Content-Encoding": "gzip"}, gzip.compress),
        (
            {"Content-Type": "application/json; charset=utf-16"},
            lambda b: b.decode().encode("utf-16"),
        ),
        (
            {"Content-Type": "application/json;charset=ISO-8859-1"},
            lambda b: b.decode().encode("latin-1"),
        ),
    ],
    ids=["gzip", "utf-16", "latin-1"],
)
def test_a_packed_body_is_signed_as_sent_and_read_as_meant(
    opened: Harness, headers: dict[str, str], pack: Callable[[bytes], bytes]
) -> None:
    bare, sender = BareEndpoint(opened), opened.workspace.sender()
    text = '{"title": "Störung in Malmö"}'.encode()
    body = pack(text)
    status, _, _ = bare.post(sender.path, body, sender.headers(body) | headers)
    assert status == 201
    (alert,) = opened.workspace.alerts(sender)
    assert alert["title"] == "Störung in Malmö"
    # Refused ones come back whole from the record, too.
    assert bare.post(sender.path, body, headers)[0] == 401
    taken, refused = opened.workspace.deliveries(sender)
    assert taken["raw_payload"] == {"title": "Störung in Malmö"}
    entry = opened.senders.current[sender.id]
    for stored in (taken, refused):
        again = interpret_stored(
            entry, stored["headers"], json.dumps(stored["raw_payload"]), opened.now
        )
        (signal,) = again.signals
        assert signal.title == "Störung in Malmö"


def test_a_body_that_cannot_be_unpacked_is_on_record(opened: Harness) -> None:
    bare, sender = BareEndpoint(opened), opened.workspace.sender()
    for coding, body, expected in (
        ("compress", b"\x1b", 415),
        ("br", b"\x1b", 400),
        ("gzip", b"{}", 400),
        ("gzip", gzip.compress(b" " * 2_000_000), 413),
    ):
        headers = sender.headers(body) | {"Content-Encoding": coding}
        assert bare.post(sender.path, body, headers)[0] == expected
    codes = [stored["status_code"] for stored in opened.workspace.deliveries(sender)]
    assert codes == [415, 400, 400, 413]


def test_nothing_of_a_refused_body_is_parsed(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare, sender = BareEndpoint(opened), opened.workspace.sender()
    bare.post(sender.path, b"{}", {})
    monkeypatch.setattr(decode, "_decode", lambda body: pytest.fail("parsed"))
    body = b"[" + b",".join([b"1e308"] * 10_000) + b"]"
    began = time.process_time()
    for _ in range(5):
        assert bare.post(sender.path, body, {"X-Webhook-Signature": "0" * 64})[0] == 401
    assert time.process_time() - began < 0.25
    assert opened.workspace.deliveries(sender)[-1]["raw_payload"] == body.decode()


def test_what_is_refused_too_often_costs_nothing_more(
    opened: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare, sender = BareEndpoint(opened), opened.workspace.sender()
    recorded: list[bytes] = []

    def counted(*given: Any) -> Webhook:
        recorded.append(given[2])
        return read_refused(*given)

    monkeypatch.setattr(endpoint, "read_refused", counted)
    monkeypatch.setattr(rate_limit.time, "monotonic", lambda: 1_000.0)
    for _ in range(120):
        assert bare.post(sender.path, b"{}", {})[0] == 401
    assert len(recorded) == RECORDED_REJECTIONS_PER_SECOND


def alertmanager(count: int) -> bytes:
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": f"Down{number}", "instance": f"host{number}:9100", "job": "x"},
            "annotations": {"summary": f"host{number} is down"},
            "startsAt": "2026-03-01T12:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": f"{number:016x}",
        }
        for number in range(count)
    ]
    group = {"version": "4", "status": "firing", "receiver": "r", "groupKey": "g", "alerts": alerts}
    return json.dumps(group).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" + b",".join([b"[]"] * 349_000) + b"]", 400),
        (b"[" + b",".join([b"1e308"] * 170_000) + b"]", 400),
        (b"[" + b",".join([b"9" * 4_000] * 260) + b"]", 400),
        (alertmanager(3_000), 200),
    ],
    ids=["arrays", "numbers", "digits", "alerts"],
)
def test_large_bodies_hold_nobody_up(
    opened: Harness, monkeypatch: pytest.MonkeyPatch, body: bytes, status: int
) -> None:
    """Thirty at once, and the loop goes round all the while."""
    sender = opened.workspace.sender("alertmanager")
    bare = BareEndpoint(opened)
    bare.post(sender.path, b"{}", {})

    async def stored(webhook: Webhook) -> Answer:
        return webhook.settled or Accepted(WebhookStatus.IGNORED)

    monkeypatch.setattr(type(opened.batcher), "submit", lambda self, webhook: stored(webhook))
    headers = sender.headers(body)
    longest = 0.0

    async def main() -> list[int]:
        nonlocal longest
        work = asyncio.gather(*(bare.answer(sender.path, body, headers) for _ in range(30)))
        while not work.done():
            # Of this process, both of its threads: what the machine does besides does not count.
            began = time.process_time()
            await asyncio.sleep(0)
            longest = max(longest, time.process_time() - began)
            await asyncio.sleep(0.001)
        return [answer[0] for answer in await work]

    assert set(opened.run(main())) == {status}
    # 0.05 s where the garbage collector is set as it is for serving.
    assert longest < 0.5


@pytest.mark.parametrize(
    "body",
    [
        b'{"title": "T", "log": "' + b"a,b,[c]," * 40_000 + b'"}',
        b'{"title": "T", "log": "' + rb"\"a\",\\" * 40_000 + b'"}',
        b'{"title": "T", "dump": "' + b"0" * 70_000 + b'"}',
    ],
    ids=["commas", "escapes", "zeros"],
)
def test_a_long_text_is_not_many_values(opened: Harness, body: bytes) -> None:
    bare, sender = BareEndpoint(opened), opened.workspace.sender()
    assert bare.post(sender.path, body, sender.headers(body))[0] == 201
