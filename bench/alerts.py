"""Alerts per second by `POST /api/v2/alerts`, against Debian's Alertmanager, which keeps them in memory:
new ones and repeats, one and sixty-four in a request."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import load, options
from bench.installation import SECRET, Installation, install, postgres, serving
from bench.machine import describe
from bench.peers import alertmanager
from bench.peers.alertmanager import alert
from bench.processes import Server
from bench.report import Figure, Report

SIZES = (1, 64)
EXPECTED_PER_SECOND = {1: 60_000, 64: 200_000}
"""So many alerts are prepared for a second of load; more are not expected of anybody."""
REPEATED = 2_048
"""Alerts that are sent again and again."""
TARGETS = {(1, "repeats"): 0.4, (1, "new"): 0.4, (64, "repeats"): 1.0, (64, "new"): 0.6}
"""Of what Alertmanager takes."""

Samples = dict[tuple[int, str], list[float]]


@dataclass(kw_only=True)
class Options(options.Options):
    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(rounds=1, seconds=2)


def run(options: Options) -> Report:
    report = Report("Alerts: POST /api/v2/alerts", "python -m bench alerts", describe())
    if reason := alertmanager.available():
        raise RuntimeError(reason)
    ours: Samples = defaultdict(list)
    theirs: Samples = defaultdict(list)
    with postgres() as server_:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            installation = install(server_.database("tocsin"))
            _to_prometheus(installation)
            with serving(installation, server_.folder, workers=options.workers) as hub:
                path = f"/am/{installation.integration_id}/{SECRET}"
                _measure(hub, path, server_.folder, options.seconds, ours)
            with alertmanager.running(server_.folder / f"alertmanager-{number}") as peer:
                _measure(peer, "", server_.folder, options.seconds, theirs)
    for size, kind in ours:
        what = f"{kind}, {size} a request"
        report.add(Figure(f"Tocsin: {what}", "alerts/s", ours[size, kind]))
        report.add(Figure(f"Alertmanager: {what}", "alerts/s", theirs[size, kind]))
        name = f"Tocsin / Alertmanager: {what}"
        report.ratio(name, ours[size, kind], theirs[size, kind], TARGETS[size, kind])
    report.notes.append("Alertmanager keeps alerts in memory; Tocsin answers after the commit.")
    return report


def _to_prometheus(installation: Installation) -> None:
    with psycopg.connect(installation.url) as connection:
        connection.execute("UPDATE integrations SET type = 'prometheus', auth_scheme = 'token'")


def _measure(hub: Server, path: str, folder: Path, seconds: float, samples: Samples) -> None:
    url, file = f"{hub.url}{path}/api/v2/alerts", folder / "alerts.txt"
    for size in SIZES:
        load.write_requests(file, _requests(REPEATED, size))
        # What is new at first is repeated from then on.
        load.full_speed(url, file, seconds=1, again=True)
        repeats = load.full_speed(url, file, seconds=seconds, again=True)
        samples[size, "repeats"].append(repeats.per_second * size)
        prepared = int(seconds * EXPECTED_PER_SECOND[size])
        load.write_requests(file, _requests(prepared, size))
        new = load.full_speed(url, file, seconds=seconds)
        if (new.requests + load.CONNECTIONS) * size >= prepared:
            raise RuntimeError(f"all {prepared:,} alerts were sent before {seconds:g} s were over")
        samples[size, "new"].append(new.per_second * size)
    print(f"  {hub.url}{path[:4]} {[round(each[-1]) for each in samples.values()]}", flush=True)


def _requests(count: int, size: int) -> Iterator[tuple[str, bytes]]:
    run = os.urandom(6).hex()
    for first in range(0, count, size):
        alerts = [alert(run, number) for number in range(first, first + size)]
        yield "-", json.dumps(alerts, separators=(",", ":")).encode()
