"""However fast somebody asks, few requests wait, and the rest is not even read."""

from __future__ import annotations

import gc
import socket
import time
from contextlib import suppress

import psutil
import pytest

from tests.web.speaker import Speaker, everything
from tocsin.web import protocol
from tocsin.web.protocol import ALL_WAITING_LIMIT, WAITING_LIMIT, Protocol

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
WAIT = b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def pour(connection: socket.socket, data: bytes, limit: int) -> int:
    """How many bytes it takes before it takes no more."""
    taken = 0
    connection.settimeout(0.5)
    with suppress(TimeoutError):
        while taken < limit:
            taken += connection.send(data[taken % len(data) :])
    return taken


def until(condition: object, seconds: float = 10) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_behind_an_answer_that_takes_its_time_few_wait(served: Speaker) -> None:
    before = psutil.Process().memory_info().rss
    with served.connect() as connection:
        connection.sendall(WAIT)
        taken = pour(connection, GET * 5_000, 64 * 2**20)
        assert taken < 16 * 2**20  # what the kernel buffers
        assert 0 < Protocol.all_waiting <= WAITING_LIMIT
        assert psutil.Process().memory_info().rss - before < 30 * 2**20
    served.gate.set()
    until(lambda: Protocol.all_waiting == 0)


def test_whoever_reads_no_answers_fills_no_memory(served: Speaker) -> None:
    """Some 46,000 answers fill the buffers of the kernel at both ends; then all stands still, with 64
    KiB of answers and 16 requests waiting here. That takes 1 MB, and gigabytes without a limit."""
    before = psutil.Process().memory_info().rss
    with served.connect() as connection:
        answered = -1
        while served.count != answered:
            answered = served.count
            pour(connection, GET * 5_000, 64 * 2**20)
        assert 0 < Protocol.all_waiting <= WAITING_LIMIT
        gc.collect()
        assert psutil.Process().memory_info().rss - before < 10 * 2**20


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n" * 300, b"x" * 5_000 + b"\r\n\r\n"])
def test_all_of_many_are_answered_in_order(served: Speaker, body: bytes) -> None:
    head = b"POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    requests = [head % (len(body) + n) + body + b"y" * n for n in range(200)]
    with served.connect() as connection:
        connection.settimeout(20)
        served.gate.set()
        said = b"".join(requests) + LAST
        for start in range(0, len(said), 70_001):
            connection.sendall(said[start : start + 70_001])
        answers = everything(connection).split(b"HTTP/1.1 200 OK\r\n")[1:]
    sizes = [int(answer.partition(b"\r\n\r\n")[2]) for answer in answers]
    assert sizes == [len(body) + n for n in range(200)] + [0]


def test_all_connections_together_are_bounded(
    served: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ALL_WAITING_LIMIT >= WAITING_LIMIT
    monkeypatch.setattr(protocol, "ALL_WAITING_LIMIT", 20)
    connections = [served.connect() for _ in range(10)]
    try:
        for connection in connections:
            connection.sendall(WAIT + GET * 14 + LAST)
            time.sleep(0.02)
        assert Protocol.all_waiting <= 20 + WAITING_LIMIT + len(connections)
        served.gate.set()
        for connection in connections:
            assert everything(connection).count(b"HTTP/1.1 200 ") == 16
    finally:
        for connection in connections:
            connection.close()
    until(lambda: Protocol.all_waiting == 0)
