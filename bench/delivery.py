"""From the webhook to the receiver: how many, how fast, in how much memory, beside Alertmanager."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import load, options, pending, webhooks
from bench.installation import SECRET, Installation, Postgres, install, postgres, serving
from bench.machine import describe
from bench.peers import alertmanager
from bench.processes import Server, memory_over_time
from bench.receiver import Receiver, receiving
from bench.report import Figure, Report

LATENCY_PER_SECOND = 200
SUSTAINED_PER_SECOND = 1_000
PLANNED_PER_SECOND = 3_500
THROUGH_PER_SECOND = 2_000
"""To reach."""
_WARM_UP_SECONDS = 2


@dataclass(kw_only=True)
class Options(options.Options):
    messages: int = 20_000
    """In each measurement of a rate."""
    backlog: int = 100_000

    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(rounds=1, seconds=4, messages=3_000, backlog=10_000, stored=200_000)


@dataclass
class Latency:
    """From when a webhook was due to be sent to the arrival of its message, in milliseconds;
    `delivered` per second over the load, its warm-up left out."""

    p50: float
    p99: float
    delivered: float


@dataclass
class Rounds:
    planned: list[float] = field(default_factory=list)
    through: list[float] = field(default_factory=list)
    at_200: list[Latency] = field(default_factory=list)
    sustained: list[Latency] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    alertmanager: list[float] = field(default_factory=list)
    alertmanager_at_200: list[Latency] = field(default_factory=list)


def run(options: Options) -> Report:
    if reason := alertmanager.available():
        raise RuntimeError(reason)
    report = Report("Delivery: from webhook to receiver", "make bench", describe())
    with postgres() as server, receiving(server.folder) as receiver:
        rounds = Rounds()
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            _ours(server, receiver, options, rounds)
            _alertmanager(server.folder / f"alertmanager-{number}", receiver, options, rounds)
        _summarise(report, rounds)
        _backlog(report, server, receiver, options)
        if options.stored:
            _stored(report, server, receiver, options)
    _explain(report, options)
    return report


def _ours(server: Postgres, receiver: Receiver, options: Options, rounds: Rounds) -> None:
    installation = install(server.database("tocsin"))
    audience = pending.subscribe(installation, receiver.url)
    rounds.planned.append(
        _drain(audience, server.folder, receiver, options.messages, options.workers)
    )
    print(f"  planned beforehand {rounds.planned[-1]:.0f}/s", flush=True)
    with (
        _hub(installation, server.folder, options.workers) as hub,
        memory_over_time(hub) as memory,
    ):
        url, header = installation.webhook_url(hub), webhooks.HEADER
        signed = webhooks.signed
        rounds.through.append(
            _through(url, signed(options.messages, SECRET), header, server.folder, receiver)
        )
        print(f"  webhook to receiver {rounds.through[-1]:.0f}/s", flush=True)
        for per_second, samples in (
            (LATENCY_PER_SECOND, rounds.at_200),
            (SUSTAINED_PER_SECOND, rounds.sustained),
        ):
            requests = signed(int(per_second * options.seconds), SECRET)
            samples.append(_latency(url, requests, header, per_second, receiver))
            print(f"  at {per_second}/s {samples[-1]}", flush=True)
    rounds.memory.append(max(memory) / 1e6)
    _require_sent(audience)


def _alertmanager(folder: Path, receiver: Receiver, options: Options, rounds: Rounds) -> None:
    with alertmanager.running(folder, alertmanager.posting_to(receiver.url)) as peer:
        url, alerts = f"{peer.url}/api/v2/alerts", alertmanager.alerts
        rounds.alertmanager.append(_through(url, alerts(options.messages), None, folder, receiver))
        print(f"  alertmanager {rounds.alertmanager[-1]:.0f}/s", flush=True)
        requests = alerts(int(LATENCY_PER_SECOND * options.seconds))
        rounds.alertmanager_at_200.append(
            _latency(url, requests, "X-Signature", LATENCY_PER_SECOND, receiver)
        )
        print(f"  alertmanager {rounds.alertmanager_at_200[-1]}", flush=True)


@contextlib.contextmanager
def _hub(installation: Installation, folder: Path, workers: int) -> Iterator[Server]:
    """Webhooks, API and dispatchers in each of the processes, as `tocsin serve` has them."""
    allowed = {"TOCSIN_OUTBOUND_ALLOW": "127.0.0.0/8"}
    with serving(installation, folder, workers=workers, role="all", environment=allowed) as hub:
        yield hub


def _drain(
    audience: pending.Audience, folder: Path, receiver: Receiver, count: int, workers: int
) -> float:
    """Messages per second, from the first arrival to the last, of what was planned beforehand."""
    pending.plan(audience, count)
    receiver.forget()
    with _hub(audience.installation, folder, workers):
        seen = receiver.wait_for(count)
    _require_sent(audience)
    return seen.per_second


def _through(
    url: str,
    requests: Iterable[tuple[str, bytes]],
    header: str | None,
    folder: Path,
    receiver: Receiver,
) -> float:
    """Alerts per second, from the first webhook in to the last message out, as fast as webhooks are
    taken."""
    file, sent = folder / "through.txt", list(requests)
    load.write_requests(file, sent)
    receiver.forget()
    began = time.monotonic()
    with load.all_of(url, file, header=header):
        seen = receiver.wait_for(len(sent))
    return len(sent) / (seen.last - began)


def _latency(
    url: str,
    requests: Iterable[tuple[str, bytes]],
    header: str,
    per_second: int,
    receiver: Receiver,
) -> Latency:
    """Open loop: each webhook leaves at its time, and from then on the clock runs."""
    sent = list(requests)
    receiver.forget()
    sample = load.fixed_rate(url, sent, per_second=per_second, header=header)
    receiver.wait_for(len(sent))
    arrivals = {int(mark.rpartition("-")[2]): at for mark, at in receiver.arrivals().items()}
    first = per_second * _WARM_UP_SECONDS
    latencies = sorted(
        (arrivals[number] - sample.began - number / per_second) * 1000
        for number in range(first, len(sent))
    )
    since, until = sample.began + _WARM_UP_SECONDS, sample.began + len(sent) / per_second
    arrived = sum(since <= at < until for at in arrivals.values())
    return Latency(
        latencies[len(latencies) // 2],
        latencies[int(len(latencies) * 0.99)],
        arrived / (until - since),
    )


def _require_sent(audience: pending.Audience) -> None:
    """A rate that counts what was lost, or sent again, is none."""
    deadline = time.monotonic() + 10
    while (unsent := pending.unsent(audience)) and time.monotonic() < deadline:
        time.sleep(0.2)
    if unsent:
        raise RuntimeError(f"{unsent} messages are not on record as sent at the first attempt")


def _summarise(report: Report, rounds: Rounds) -> None:
    for name, rates, target in (
        ("Tocsin, planned beforehand", rounds.planned, PLANNED_PER_SECOND),
        ("Tocsin, webhook in to message out", rounds.through, THROUGH_PER_SECOND),
    ):
        reached = sorted(rates)[len(rates) // 2] >= target
        report.add(Figure(name, "/s", rates, f"≥ {target:,}/s", reached))
    report.add(Figure("Alertmanager, alert in to message out", "/s", rounds.alertmanager))
    report.add(
        Figure(
            f"Tocsin, delivered while {SUSTAINED_PER_SECOND:,}/s come in",
            "/s",
            [each.delivered for each in rounds.sustained],
            f"≥ {SUSTAINED_PER_SECOND * 0.99:,.0f}/s",
            min(each.delivered for each in rounds.sustained) >= SUSTAINED_PER_SECOND * 0.99,
        )
    )
    for name, samples, limit in (
        (f"Tocsin at {LATENCY_PER_SECOND}/s", rounds.at_200, 100.0),
        (f"Tocsin at {SUSTAINED_PER_SECOND:,}/s", rounds.sustained, None),
        (f"Alertmanager at {LATENCY_PER_SECOND}/s", rounds.alertmanager_at_200, None),
    ):
        report.add(Figure(f"{name}, p50", "ms", [each.p50 for each in samples]))
        p99 = Figure(f"{name}, p99", "ms", [each.p99 for each in samples])
        if limit is not None:
            p99.target, p99.reached = f"≤ {limit:g} ms", p99.median <= limit
        report.add(p99)
    report.add(_memory("peak memory under load", rounds.memory))


def _memory(name: str, peaks: list[float]) -> Figure:
    return Figure(f"{name}, server and workers", "MB", peaks, "< 300 MB", max(peaks) < 300)


def _backlog(report: Report, server: Postgres, receiver: Receiver, options: Options) -> None:
    """What has piled up, a hundred thousand deep: memory must not go with it."""
    print(f"draining {options.backlog:,} messages", flush=True)
    audience = pending.subscribe(install(server.database("tocsin")), receiver.url)
    pending.plan(audience, options.backlog)
    receiver.forget()
    with (
        _hub(audience.installation, server.folder, options.workers) as hub,
        memory_over_time(hub) as memory,
    ):
        receiver.wait_for(options.backlog // 10)
        early = len(memory)
        seen = receiver.wait_for(options.backlog)
        _require_sent(audience)
    depth = f"backlog of {options.backlog:,}"
    report.add(Figure(f"Tocsin, draining a {depth}", "/s", [seen.per_second]))
    report.add(_memory(f"peak memory, {depth}", [max(memory) / 1e6]))
    growth = (max(memory[early:]) - max(memory[:early])) / 1e6
    report.add(
        Figure(
            "growth of memory over the last nine tenths", "MB", [growth], "≤ 20 MB", growth <= 20
        )
    )


def _stored(report: Report, server: Postgres, receiver: Receiver, options: Options) -> None:
    """Alternating: an empty database, and one with millions of messages sent in the past."""
    print(f"storing {options.stored:,} past messages", flush=True)
    full = pending.subscribe(install(server.database("full")), receiver.url)
    pending.fill(full, options.stored)
    empty_rates: list[float] = []
    full_rates: list[float] = []
    # One unmeasured run each: what was just written is still being flushed.
    for measured in (False, *[True] * options.rounds):
        empty = pending.subscribe(install(server.database("tocsin")), receiver.url)
        for audience, rates in ((empty, empty_rates), (full, full_rates)):
            rate = _drain(audience, server.folder, receiver, options.messages, options.workers)
            if measured:
                rates.append(rate)
    report.add(Figure(f"Tocsin with {options.stored:,} past messages", "/s", full_rates))
    report.ratio("with past messages ÷ empty", full_rates, empty_rates, 0.9)


def _explain(report: Report, options: Options) -> None:
    report.notes += [
        f"Tocsin: `tocsin serve --workers {options.workers}`, PostgreSQL, receiver and load "
        "generator on the same machine. Each message is signed, planned and put on record in "
        "PostgreSQL (durable), and its attempt too. Alertmanager keeps alerts in memory.",
        "In to out: 64 connections post as fast as they are answered; the time ends with the last "
        "message. At a fixed rate: open loop, from when each webhook was due; the first "
        f"{_WARM_UP_SECONDS} seconds are left out.",
        "Alertmanager: `group_by: ['...']`, `group_wait: 0s`, one webhook receiver.",
    ]
