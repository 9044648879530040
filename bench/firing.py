"""A hundred thousand alerts that fire, repeated every two minutes as Prometheus does: what other
webhooks wait meanwhile.

Prometheus posts one request after the other, all that is due at one evaluation as fast as it is
answered; with many groups of rules that spreads over the two minutes. Both are measured.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from bench import load, options, webhooks
from bench.installation import SECRET, Installation, install, postgres, serving
from bench.machine import describe
from bench.peers.alertmanager import alert
from bench.processes import Server
from bench.report import Figure, Report
from tocsin.model import uuid7

REPEATED_EVERY_SECONDS = 120
ALERTS_PER_REQUEST = 64
OTHERS_PER_SECOND = 200
TARGET_MS = 50.0


@dataclass(kw_only=True)
class Options(options.Options):
    seconds: float = 30
    firing: int = 100_000

    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(rounds=1, seconds=3, firing=5_000)


def run(options: Options) -> Report:
    report = Report(f"{options.firing:,} alerts that fire", "python -m bench firing", describe())
    alone: list[float] = []
    spread: list[float] = []
    at_once: list[float] = []
    rounds: list[float] = []
    bodies = list(_bodies(options.firing))
    with postgres() as server:
        installation = install(server.database("tocsin"))
        prometheus = _prometheus(installation)
        with serving(installation, server.folder, workers=options.workers) as hub:
            path = f"/am/{prometheus}/{SECRET}/api/v2/alerts"
            _post(hub, path, bodies)
            _others(installation, hub, options.seconds)
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", flush=True)
                alone.append(_others(installation, hub, options.seconds).p99_ms)
                spread.append(_beside_spread(installation, hub, path, bodies, options.seconds))
                p99, seconds = _beside_round(installation, hub, path, bodies)
                at_once.append(p99)
                rounds.append(seconds)
    others = f"p99 of other webhooks, {OTHERS_PER_SECOND}/s"
    report.add(Figure(f"{others}, alone", "ms", alone))
    _held_to(report, f"{others}, repeats spread over {REPEATED_EVERY_SECONDS} s", spread)
    _held_to(report, f"{others}, all repeats at once", at_once)
    report.add(
        Figure(
            "all of them repeated once, one request after the other",
            "s",
            rounds,
            f"< {REPEATED_EVERY_SECONDS} s",
            max(rounds) < REPEATED_EVERY_SECONDS,
        )
    )
    return report


def _held_to(report: Report, name: str, samples: list[float]) -> None:
    reached = sorted(samples)[len(samples) // 2] <= TARGET_MS
    report.add(Figure(name, "ms", samples, f"≤ {TARGET_MS:g} ms", reached))


def _prometheus(installation: Installation) -> str:
    integration_id = uuid7()
    with psycopg.connect(installation.url) as connection:
        connection.execute(
            "INSERT INTO integrations (id, workspace_id, tenant_id, name, type, auth_scheme,"
            " webhook_secret) SELECT %s, workspace_id, tenant_id, 'prometheus', 'prometheus', 'token',"
            " webhook_secret FROM integrations",
            (integration_id,),
        )
    return str(integration_id)


def _bodies(count: int) -> Iterator[bytes]:
    run = os.urandom(6).hex()
    for first in range(0, count, ALERTS_PER_REQUEST):
        numbers = range(first, min(first + ALERTS_PER_REQUEST, count))
        yield json.dumps([alert(run, number) for number in numbers]).encode()


def _post(hub: Server, path: str, bodies: Sequence[bytes], per_second: float | None = None) -> None:
    """One request after the other; at most so many a second."""
    connection = http.client.HTTPConnection(urlsplit(hub.url).netloc, timeout=60)
    began = time.monotonic()
    for number, body in enumerate(bodies):
        if per_second is not None:
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = response.read()
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {said[:200]!r}")
    connection.close()


def _others(installation: Installation, hub: Server, seconds: float) -> load.Sample:
    return load.fixed_rate(
        installation.webhook_url(hub),
        webhooks.signed(int(OTHERS_PER_SECOND * seconds), SECRET),
        per_second=OTHERS_PER_SECOND,
        header=webhooks.HEADER,
    )


def _beside_spread(
    installation: Installation, hub: Server, path: str, bodies: Sequence[bytes], seconds: float
) -> float:
    per_second = len(bodies) / REPEATED_EVERY_SECONDS
    due = [bodies[number % len(bodies)] for number in range(int(per_second * seconds))]
    with ThreadPoolExecutor(1) as pool:
        repeats = pool.submit(_post, hub, path, due, per_second)
        sample = _others(installation, hub, seconds)
        repeats.result()
    return sample.p99_ms


def _beside_round(
    installation: Installation, hub: Server, path: str, bodies: Sequence[bytes]
) -> tuple[float, float]:
    """The p99 of the others while all is repeated, and how long that takes."""
    began = time.monotonic()
    worst = 0.0
    with ThreadPoolExecutor(1) as pool:
        repeats: Future[None] = pool.submit(_post, hub, path, bodies)
        while not repeats.done():
            worst = max(worst, _others(installation, hub, 2).p99_ms)
        repeats.result()
    return worst, time.monotonic() - began
