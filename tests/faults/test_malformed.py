"""Thousands of malformed requests: no 5xx, no hang, no connection lost but their own; and a good
webhook in between is always taken."""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count

import psutil
import pytest

from tests.faults.malformed.case import TYPES, Case
from tests.faults.malformed.maker import CaseMaker
from tests.support.node import Client, Node, nodes
from tests.support.workspace import Workspace

HANG_SECONDS = 20
THREADS = 4
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@pytest.fixture(scope="module")
def node(workspace: Workspace) -> Iterator[Node]:
    with nodes(workspace.url, body_timeout_seconds="0.3") as (only,):
        yield only


def put(node: Node, case: Case) -> list[int]:
    """The statuses answered. Fails if an answer that must come does not."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=HANG_SECONDS) as connection:
        received = b""
        try:
            for number, piece in enumerate(case.said):
                if number:
                    time.sleep(0.001)
                connection.sendall(piece)
            if not case.is_whole:
                connection.settimeout(0.02)
            while data := connection.recv(65_536):
                received += data
        except TimeoutError:
            assert not case.is_whole, f"no answer, or no end to it: {case}"
        except OSError:
            pass  # it may hang up on whoever goes on talking
    statuses = [int(status) for status in _STATUS.findall(received)]
    assert statuses or not case.is_whole, f"no answer: {case}"
    return statuses


@pytest.mark.parametrize(
    "requests",
    [1_000, pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(3_000)])],
    ids=["quick", "long"],
)
def test_malformed_requests(workspace: Workspace, node: Node, requests: int) -> None:
    senders = {type: workspace.sender(type) for type in TYPES}
    maker = CaseMaker(senders, seed=requests)
    good, numbers = workspace.sender(), count(1)

    def one(case: Case) -> list[int]:
        statuses = put(node, case)
        assert all(status < 500 for status in statuses), (case, statuses)
        if (number := next(numbers)) % 10 == 0:
            # A connection of its own: one that is kept may be closed as idle at this very moment.
            with Client(node.base_url) as client:
                assert client.send(good, {"title": "Good", "number": number}).status == 201
        return statuses

    process = psutil.Process(node.process.pid)
    with ThreadPoolExecutor(THREADS) as pool:
        cases = (maker.make() for _ in range(requests))
        received = Counter(status for statuses in pool.map(one, cases) for status in statuses)
    # Every kind of answer was provoked.
    assert {200, 201, 400, 401, 404, 405, 413, 415} <= received.keys()
    assert len(workspace.alerts(good)) == requests // 10
    assert node.process.poll() is None
    log = node.errors()
    assert not [word for word in ("ingest.fault", "ingest.poison", "Traceback") if word in log]
    assert process.memory_info().rss < 300 * 1024 * 1024


def test_slow_bodies_keep_nobody_waiting(workspace: Workspace, node: Node) -> None:
    sender = workspace.sender()
    head = f"POST {sender.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n".encode()
    slow = []
    try:
        for _ in range(150):
            connection = socket.create_connection(("127.0.0.1", node.port), timeout=HANG_SECONDS)
            connection.sendall(head + b'{"title"')
            slow.append(connection)
        with node.client() as client:
            assert client.send(sender, {"title": "In between"}).status == 201
        answers = [connection.recv(65_536) for connection in slow]
    finally:
        for connection in slow:
            connection.close()
    assert {answer[:13] for answer in answers} == {b"HTTP/1.1 408 "}


@pytest.mark.parametrize(
    "piece",
    [b"X: " + b"y" * 60_000 + b"\r\n", b"y" * 60_000],
    ids=["many headers", "one header without an end"],
)
def test_a_head_without_an_end_fills_no_memory(node: Node, piece: bytes) -> None:
    process = psutil.Process(node.process.pid)
    before = process.memory_info().rss
    with socket.create_connection(("127.0.0.1", node.port), timeout=HANG_SECONDS) as connection:
        connection.sendall(b"POST /webhooks/x HTTP/1.1\r\nHost: x\r\nX: ")
        with suppress(OSError):
            for _ in range(1_000):
                connection.sendall(piece)
            pytest.fail("it takes any amount")
        received = connection.recv(65_536)
    assert received.startswith(b"HTTP/1.1 431 ")
    assert process.memory_info().rss - before < 30 * 1024 * 1024
