"""A receiver that costs next to nothing: it answers 200 to every POST and notes what came when.

Run as a process of its own (`python -m bench.receiver PORT`), so that it and the sender share no
interpreter. It verifies nothing. `GET /seen` and `GET /arrivals` say what came, `GET /forget` starts
again. Times are CLOCK_MONOTONIC, which every process of a machine reads alike.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import uvloop

from bench.processes import Server, free_port, server

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb"\r\nwebhook-id: *([^\r]+)", re.IGNORECASE)
# What `webhooks.body` and `alertmanager.alert` call the alert: random hex of the run, and a number.
_MARK = re.compile(rb'"([0-9a-f]{12}-\d+)"')


@dataclass
class Notes:
    """`seen`: first arrival of each message, by its `webhook-id` or else by its alert's mark;
    `arrivals`: first arrival of each alert, by its mark."""

    seen: dict[bytes, float] = field(default_factory=dict)
    arrivals: dict[bytes, float] = field(default_factory=dict)
    messages: int = 0

    def note(self, head: bytes, body: bytes) -> None:
        now = time.monotonic()
        self.messages += 1
        found = _MARK.search(body)
        mark = found[1] if found else b""
        named = _ID.search(head)
        self.seen.setdefault(named[1] if named else mark, now)
        if mark:
            self.arrivals.setdefault(mark, now)


class _Connection(asyncio.Protocol):
    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            if head.startswith(b"POST "):
                self._notes.note(head, body)
                self._transport.write(_OK)
            else:
                self._transport.write(_tell(self._notes, head))


def _tell(notes: Notes, head: bytes) -> bytes:
    path = head.split(b" ", 2)[1]
    document: dict[str, Any] = {}
    if path == b"/forget":
        notes.seen.clear()
        notes.arrivals.clear()
        notes.messages = 0
    elif path == b"/arrivals":
        document = {mark.decode(): at for mark, at in notes.arrivals.items()}
    else:
        document = {"unique": len(notes.seen), "messages": notes.messages}
        if notes.seen:
            document["first"] = next(iter(notes.seen.values()))
            document["last"] = next(reversed(notes.seen.values()))
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@dataclass(frozen=True)
class Seen:
    """How many messages came, how many of them for the first time; the first's and last's times."""

    unique: int
    messages: int
    first: float = 0.0
    last: float = 0.0

    @property
    def per_second(self) -> float:
        return (self.unique - 1) / (self.last - self.first)


class Receiver:
    """The process, from outside."""

    def __init__(self, process: Server) -> None:
        self._process = process
        self.url = process.url + "/hook"

    def seen(self) -> Seen:
        return Seen(**self._ask("/seen"))

    def arrivals(self) -> dict[str, float]:
        """Alert's mark → when its first message came, in `time.monotonic()` seconds."""
        return self._ask("/arrivals")

    def forget(self) -> None:
        self._ask("/forget")

    def wait_for(self, count: int, *, stalled_after: float = 30.0) -> Seen:
        """Until `count` different messages came.

        Raises:
            RuntimeError: nothing new came for `stalled_after` seconds.
        """
        unique, since = -1, time.monotonic()
        while (seen := self.seen()).unique < count:
            if seen.unique > unique:
                unique, since = seen.unique, time.monotonic()
            elif time.monotonic() - since > stalled_after:
                raise RuntimeError(f"of {count} messages {seen.unique} came, then no more")
            time.sleep(0.05)
        return seen

    def _ask(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self._process.url + path, timeout=60) as answer:
            document: dict[str, Any] = json.load(answer)
            return document


@contextlib.contextmanager
def receiving(folder: Path) -> Iterator[Receiver]:
    port = free_port()
    with server(
        [sys.executable, "-m", "bench.receiver", str(port)],
        port,
        log=folder / "receiver.log",
        health="/seen",
    ) as started:
        yield Receiver(started)


async def _serve(port: int) -> None:
    notes = Notes()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: _Connection(notes), "127.0.0.1", port, backlog=1024
    )
    async with listening:
        await listening.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
