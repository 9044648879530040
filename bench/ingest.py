"""Durable unique signed webhooks per second, against what it could cost and what others take."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench import load, options, rules, webhooks
from bench.installation import SECRET, Installation, Postgres, install, postgres, serving
from bench.machine import describe
from bench.peers import alerta, alertmanager, pgbench
from bench.processes import Server, free_port, memory_over_time, server
from bench.report import Figure, Report
from bench.seed import fill
from tocsin.store.embedded import binaries

EXPECTED_PER_SECOND = 12_000
"""More requests than this are never prepared for a second of load."""


@dataclass(kw_only=True)
class Options(options.Options):
    alerta_folder: Path = Path("bench/results/alerta-venv")

    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(rounds=1, seconds=2, stored=100_000)


@dataclass
class Rounds:
    """What each contender did, round by round."""

    tocsin: list[load.Sample] = field(default_factory=list)
    with_rules: list[float] = field(default_factory=list)
    with_holds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    duplicates: list[float] = field(default_factory=list)
    pgbench: list[float] = field(default_factory=list)
    pgbench_one: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    bare_workers: list[float] = field(default_factory=list)
    alertmanager: list[float] = field(default_factory=list)
    alerta: list[float] = field(default_factory=list)


def run(options: Options) -> Report:
    report = Report("Ingest: durable unique signed webhooks", "make bench", describe())
    programs = alerta.install(options.alerta_folder)
    with postgres() as server_:
        rounds = Rounds()
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            _round(server_, options, programs, rounds)
        _summarise(report, rounds, options)
        _fixed_rate(report, server_, options)
        if options.stored:
            _stored(report, server_, options)
    return report


def _round(server_: Postgres, options: Options, programs: Path, rounds: Rounds) -> None:
    folder = server_.folder
    installation = install(server_.database("tocsin"))
    with (
        serving(installation, folder, workers=options.workers) as hub,
        memory_over_time(hub) as memory,
    ):
        rounds.tocsin.append(_unique(installation, hub, folder, options.seconds))
        print(f"  tocsin {rounds.tocsin[-1]}", flush=True)
        rounds.duplicates.append(_repeated(installation, hub, folder, options.seconds / 2))
    rounds.memory.append(max(memory) / 1e6)
    _configured(server_, options, rounds)
    rounds.bare.append(_bare(folder, options.seconds / 2, 1))
    rounds.bare_workers.append(_bare(folder, options.seconds / 2, options.workers))
    _pgbench(server_, options, rounds)
    if reason := alertmanager.available():
        raise RuntimeError(reason)
    with alertmanager.running(folder / f"alertmanager-{len(rounds.bare)}") as peer:
        file = folder / "alerts.txt"
        load.write_requests(
            file, alertmanager.alerts(int(options.seconds * 4 * EXPECTED_PER_SECOND))
        )
        url = f"{peer.url}/api/v2/alerts"
        rounds.alertmanager.append(load.full_speed(url, file, seconds=options.seconds).per_second)
    print(f"  alertmanager {rounds.alertmanager[-1]:.0f}/s", flush=True)
    with alerta.running(programs, folder, server_.database("alerta")) as peer:
        file = folder / "alerta.txt"
        load.write_requests(file, alerta.alerts(int(options.seconds * 3_000)))
        rounds.alerta.append(
            load.full_speed(
                f"{peer.url}/alert", file, seconds=options.seconds, connections=16
            ).per_second
        )
    print(f"  alerta {rounds.alerta[-1]:.0f}/s", flush=True)


def _configured(server_: Postgres, options: Options, rounds: Rounds) -> None:
    """The same webhooks, where rules are asked about them; then with silences and groups besides."""
    for holds, rates in ((False, rounds.with_rules), (True, rounds.with_holds)):
        installation = install(server_.database("tocsin"))
        rules.notify_teams(installation)
        if holds:
            rules.hold_and_group(installation)
        with serving(installation, server_.folder, workers=options.workers) as hub:
            sample = _unique(installation, hub, server_.folder, options.seconds)
        rates.append(sample.per_second)
        print(f"  tocsin with rules, holds={holds} {rates[-1]:.0f}/s", flush=True)


def _unique(installation: Installation, hub: Server, folder: Path, seconds: float) -> load.Sample:
    file = folder / "webhooks.txt"
    url = installation.webhook_url(hub)
    load.write_requests(file, webhooks.signed(2_000, SECRET))
    load.full_speed(url, file, seconds=1, header=webhooks.HEADER, again=True)
    load.write_requests(file, webhooks.signed(int(seconds * EXPECTED_PER_SECOND), SECRET))
    return load.full_speed(url, file, seconds=seconds, header=webhooks.HEADER)


def _repeated(installation: Installation, hub: Server, folder: Path, seconds: float) -> float:
    file = folder / "repeats.txt"
    load.write_requests(file, webhooks.signed(1_000, SECRET))
    url = installation.webhook_url(hub)
    load.full_speed(url, file, seconds=1, header=webhooks.HEADER, again=True)
    return load.full_speed(
        url, file, seconds=seconds, header=webhooks.HEADER, again=True
    ).per_second


def _bare(folder: Path, seconds: float, workers: int) -> float:
    port = free_port()
    file = folder / "bare.txt"
    load.write_requests(file, webhooks.signed(20_000, SECRET))
    command = [
        str(Path(sys.executable).parent / "uvicorn"),
        "bench.peers.bare:app",
        "--http=httptools",
        "--loop=uvloop",
        "--no-access-log",
        "--log-level=error",
        f"--workers={workers}",
        f"--port={port}",
    ]
    with server(
        command, port, log=folder / "bare.log", environment={"BENCH_SECRET": SECRET}
    ) as bare:
        rate = load.full_speed(
            f"{bare.url}/", file, seconds=seconds, header=webhooks.HEADER, again=True
        ).per_second
    print(f"  bare handler, {workers} worker(s) {rate:.0f}/s", flush=True)
    return rate


def _pgbench(server_: Postgres, options: Options, rounds: Rounds) -> None:
    program = binaries.packaged() / "pgbench"
    for one_statement, samples in ((False, rounds.pgbench), (True, rounds.pgbench_one)):
        installation = install(server_.database("pgbench"))
        rate, clients = pgbench.best_rate(
            program,
            installation,
            server_.folder,
            seconds=int(options.seconds * 1.5),
            one_statement=one_statement,
        )
        samples.append(rate)
        print(
            f"  pgbench one_statement={one_statement} {rate:.0f}/s, {clients} clients", flush=True
        )


def _summarise(report: Report, rounds: Rounds, options: Options) -> None:
    ours = [sample.per_second for sample in rounds.tocsin]
    report.add(Figure("Tocsin", "/s", ours, note=f"{_workers(options)}, 64 connections"))
    some = f"{rules.RULES} rules of which one matches"
    report.add(Figure(f"Tocsin, {some}", "/s", rounds.with_rules))
    report.add(
        Figure(f"Tocsin, the same, {rules.SILENCES} silences, groups", "/s", rounds.with_holds)
    )
    report.add(Figure("Tocsin, all duplicates", "/s", rounds.duplicates))
    report.add(Figure("(a) pgbench, a transaction of four statements", "/s", rounds.pgbench))
    report.add(Figure("(a') pgbench, all in one statement", "/s", rounds.pgbench_one))
    report.add(Figure("(b) bare ASGI handler, one process", "/s", rounds.bare))
    report.add(Figure(f"(b') bare ASGI handler, {_workers(options)}", "/s", rounds.bare_workers))
    report.add(Figure("(c) Alertmanager, in memory", "/s", rounds.alertmanager))
    report.add(Figure("(d) alerta-server, same PostgreSQL", "/s", rounds.alerta))
    report.ratio("Tocsin ÷ (a)", ours, rounds.pgbench, 2.0)
    report.ratio("Tocsin ÷ (b)", ours, rounds.bare, 0.4)
    report.ratio("Tocsin with rules ÷ (b)", rounds.with_rules, rounds.bare, 0.32)
    report.ratio("Tocsin with rules, silences, groups ÷ (b)", rounds.with_holds, rounds.bare, 0.32)
    report.ratio("Tocsin ÷ (c)", ours, rounds.alertmanager, 0.8)
    report.ratio("Tocsin ÷ (d)", ours, rounds.alerta, 40)
    p99 = [sample.p99_ms for sample in rounds.tocsin]
    report.add(Figure("p99 at full load", "ms", p99, "≤ 25 ms", median(p99) <= 25))
    report.add(
        Figure(
            "peak memory of server and workers",
            "MB",
            rounds.memory,
            "< 200 MB",
            max(rounds.memory) < 200,
        )
    )


def _workers(options: Options) -> str:
    return "1 worker" if options.workers == 1 else f"{options.workers} workers"


def _fixed_rate(report: Report, server_: Postgres, options: Options) -> None:
    installation = install(server_.database("tocsin"))
    p50, p99 = [], []
    with serving(installation, server_.folder, workers=options.workers) as hub:
        url = installation.webhook_url(hub)
        for _ in range(options.rounds + 1):
            sample = load.fixed_rate(
                url,
                webhooks.signed(int(500 * options.seconds), SECRET),
                per_second=500,
                header=webhooks.HEADER,
            )
            p50.append(sample.p50_ms)
            p99.append(sample.p99_ms)
    # The first run warms the statements up.
    report.add(Figure("p50 at 500/s", "ms", p50[1:]))
    report.add(Figure("p99 at 500/s", "ms", p99[1:], "≤ 5 ms", median(p99[1:]) <= 5))


def _stored(report: Report, server_: Postgres, options: Options) -> None:
    """Alternating: an empty database, and one with millions of stored deliveries."""
    print(f"storing {options.stored:,} webhook deliveries", flush=True)
    full = install(server_.database("full"))
    fill(full, options.stored)
    empty_rates: list[float] = []
    full_rates: list[float] = []
    # One unmeasured run each: what was just written is still being flushed.
    for measured in (False, *[True] * options.rounds):
        empty = install(server_.database("tocsin"))
        for installation, rates in ((empty, empty_rates), (full, full_rates)):
            with serving(installation, server_.folder, workers=options.workers) as hub:
                sample = _unique(installation, hub, server_.folder, options.seconds)
            if measured:
                rates.append(sample.per_second)
    report.add(Figure(f"Tocsin with {options.stored:,} stored", "/s", full_rates))
    report.ratio("with stored ÷ empty", full_rates, empty_rates, 0.95)
