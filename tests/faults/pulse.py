"""How long `/healthz` takes, over and over, asked from a process of its own, so that nothing that the
test does besides is taken for a pause of the server."""

from __future__ import annotations

import http.client
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from typing import Any

EVERY_SECONDS = 0.005


class Pulse:
    """`seconds` of every question, in order, once it has ended."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @property
    def worst(self) -> float:
        return max(self.seconds)

    @property
    def p99(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


@contextmanager
def pulse(port: int) -> Iterator[Pulse]:
    context = multiprocessing.get_context("spawn")
    ending, asking = context.Event(), context.Event()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_ask, args=(port, asking, ending, theirs), daemon=True)
    process.start()
    taken = Pulse()
    try:
        assert asking.wait(60)
        yield taken
    finally:
        ending.set()
        assert ours.poll(60)
        taken.seconds = ours.recv()
        process.join()


def _ask(port: int, asking: Event, ending: Event, answers: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    seconds: list[float] = []
    while not ending.is_set():
        began = time.perf_counter()
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert (answer.status, answer.read() != b"") == (200, True)
        seconds.append(time.perf_counter() - began)
        asking.set()
        time.sleep(EVERY_SECONDS)
    answers.send(seconds)
