"""Load: wrk for full speed (it costs little of the two cores), asyncio for a fixed rate."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

CONNECTIONS = 64
SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: requests per second, and latencies in milliseconds as the client saw them."""

    per_second: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    requests: int
    began: float = 0.0
    """At a fixed rate: when the first request was due, in `time.monotonic()` seconds."""


def write_requests(path: Path, requests: Iterable[tuple[str, bytes]]) -> None:
    """(header value or `-`, body) per line; bodies hold no line break."""
    with path.open("wb") as file:
        file.writelines((value or "-").encode() + b" " + body + b"\n" for value, body in requests)


def full_speed(
    url: str,
    requests: Path,
    *,
    seconds: float,
    header: str | None = None,
    again: bool = False,
    connections: int = CONNECTIONS,
) -> Sample:
    """As fast as `connections` get answers. Raises RuntimeError if anything went wrong: a rate
    that counts refusals is none."""
    command = _command(url, requests, header, again, seconds, connections)
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    return _sample(url, done.stdout)


@contextlib.contextmanager
def all_of(url: str, requests: Path, *, header: str | None = None) -> Iterator[None]:
    """Each request once, as fast as they are answered, while the body of the `with` waits for what
    comes of them. Raises RuntimeError if anything went wrong."""
    command = _command(url, requests, header, False, 600, CONNECTIONS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield
            # It sleeps until its time is over, whether or not it still has anything to send.
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    _sample(url, output)


def _command(
    url: str, requests: Path, header: str | None, again: bool, seconds: float, connections: int
) -> list[str]:
    arguments = [str(requests), header or "-", "again" if again else "once"]
    return [
        _wrk(),
        "-t1",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "20s",
        "-s",
        str(SCRIPT),
        url,
        "--",
        *arguments,
    ]


def _sample(url: str, output: str) -> Sample:
    found = json.loads(output.strip().splitlines()[-1])
    if found["errors"] or found["refused"]:
        raise RuntimeError(f"{url}: {found['refused']} refused, {found['errors']} errors")
    return Sample(
        found["requests"] / found["seconds"],
        found["p50_ms"],
        found["p99_ms"],
        found["max_ms"],
        found["requests"],
    )


def _wrk() -> str:
    if path := shutil.which("wrk"):
        return path
    raise RuntimeError("wrk is missing: apt-get install wrk")


def fixed_rate(
    url: str, requests: Iterable[tuple[str, bytes]], *, per_second: float, header: str
) -> Sample:
    """Open loop: each request leaves at its time, whether or not earlier ones were answered, and
    its latency counts from that time (no coordinated omission)."""
    return uvloop.run(_fixed_rate(url, list(requests), per_second, header))


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """A full collection of the load generator takes a tenth of a second, which it would measure as
    ours."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _fixed_rate(
    url: str, requests: list[tuple[str, bytes]], per_second: float, header: str
) -> Sample:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(32):
        idle.put_nowait(await asyncio.open_connection(parts.hostname, parts.port))
    latencies: list[float] = []
    refused = 0

    async def send(due: float, value: str, body: bytes) -> None:
        nonlocal refused
        reader, writer = await idle.get()
        writer.write(
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json"
            f"\r\n{header}: {value}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        latencies.append((time.monotonic() - due) * 1000)
        if not head.startswith(b"HTTP/1.1 2"):
            refused += 1
        idle.put_nowait((reader, writer))

    with _collector_paused():
        start = time.monotonic() + 0.1
        async with asyncio.TaskGroup() as group:
            for number, (value, body) in enumerate(requests):
                due = start + number / per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                group.create_task(send(due, value, body))
    while not idle.empty():
        idle.get_nowait()[1].close()
    if refused:
        raise RuntimeError(f"{url}: {refused} refused")
    latencies.sort()
    return Sample(
        per_second,
        latencies[len(latencies) // 2],
        latencies[int(len(latencies) * 0.99)],
        latencies[-1],
        len(latencies),
        start,
    )
