"""Pings: ten thousand heartbeats once a minute, then as many as go; what each costs, in every coin."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from statistics import quantiles
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import psycopg

from bench import options
from bench.installation import Installation, install, postgres, serving
from bench.machine import describe
from bench.processes import Server
from bench.report import Figure, Report
from tocsin.heartbeats.tokens import token_digest
from tocsin.model import uuid7

CONNECTIONS = 64


@dataclass(kw_only=True)
class Options(options.Options):
    heartbeats: int = 10_000
    minutes: float = 2

    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(rounds=1, seconds=3, heartbeats=300, minutes=0.1)


@dataclass(frozen=True, slots=True)
class Spent:
    """By now: CPU seconds of the server and of PostgreSQL, bytes of WAL, writes and how many of them
    touched no index."""

    server: float
    postgres: float
    wal: float
    writes: int
    without_index: int

    def less(self, before: Spent) -> Spent:
        return Spent(
            self.server - before.server,
            self.postgres - before.postgres,
            self.wal - before.wal,
            self.writes - before.writes,
            self.without_index - before.without_index,
        )


def run(options: Options) -> Report:
    report = Report("Heartbeats", "python -m bench heartbeats", describe())
    with postgres() as server:
        installation = install(server.database("tocsin"))
        paths = _expect(installation, options.heartbeats)
        with serving(installation, server.folder, workers=1, role="all") as hub:
            _load(hub, paths, per_second=len(paths) / 30)  # each once: all are up
            _steady(report, installation, hub, paths, options)
            _flat_out(report, installation, hub, paths, options)
            _nobody_missed(installation)
    return report


def _expect(installation: Installation, count: int) -> list[str]:
    """Heartbeats that are to ping each minute; the paths of their pings."""
    integration_id = uuid7()
    names = [f"beat-{number:06}-of-the-bench" for number in range(count)]
    ids = [uuid7() for _ in names]
    with psycopg.connect(installation.url) as connection:
        connection.execute(
            "INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)"
            " SELECT %s, workspace_id, tenant_id, 'heartbeats', 'heartbeat', webhook_secret"
            " FROM integrations",
            (integration_id,),
        )
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO heartbeats (id, workspace_id, tenant_id, integration_id, name, slug,"
                " kind, period_seconds, grace_seconds, token_digest)"
                " VALUES (%s, %s, %s, %s, %s, %s, 'interval', 60, 300, %s)",
                [
                    (id, installation.workspace_id, installation.tenant_id, integration_id, name,
                     name, UUID(bytes=token_digest(name)))
                    for id, name in zip(ids, names, strict=True)
                ],
            )  # fmt: skip
        connection.execute(
            "INSERT INTO heartbeat_statuses (heartbeat_id) SELECT id FROM heartbeats"
        )
    return [f"/ping/{name}" for name in names]


def _steady(
    report: Report, installation: Installation, hub: Server, paths: list[str], options: Options
) -> None:
    before = _spent(installation, hub)
    rounds = max(1, round(options.minutes))
    latencies = _load(hub, paths * rounds, per_second=len(paths) / 60)
    spent = _spent(installation, hub).less(before)
    count = len(latencies)
    cuts = quantiles(latencies, n=100)
    title = f"{len(paths):,} heartbeats, each once a minute"
    report.add(Figure(f"{title}, p50", "ms", [cuts[49]]))
    report.add(Figure(f"{title}, p99", "ms", [cuts[98]]))
    report.add(Figure("CPU of the server per ping", "ms", [1000 * spent.server / count]))
    report.add(Figure("CPU of PostgreSQL per ping", "ms", [1000 * spent.postgres / count]))
    report.add(Figure("WAL per ping", "bytes", [spent.wal / count]))


def _flat_out(
    report: Report, installation: Installation, hub: Server, paths: list[str], options: Options
) -> None:
    before, began = _spent(installation, hub), time.monotonic()
    latencies = _load(hub, paths * 3, per_second=None)
    seconds = time.monotonic() - began
    spent = _spent(installation, hub).less(before)
    count = len(latencies)
    title = f"as fast as {CONNECTIONS} connections get answers"
    report.add(Figure(f"Pings, {title}", "/s", [count / seconds]))
    report.add(Figure("CPU of the server per ping, so", "ms", [1000 * spent.server / count]))
    report.add(Figure("CPU of PostgreSQL per ping, so", "ms", [1000 * spent.postgres / count]))
    report.add(Figure("WAL per ping, so", "bytes", [spent.wal / count]))
    share = 100 * spent.without_index / max(spent.writes, 1)
    report.add(Figure("Writes of a status that touch no index", "%", [share]))
    with psycopg.connect(installation.url) as connection:
        for table in ("heartbeats", "heartbeat_statuses", "heartbeat_pings"):
            size = connection.execute("SELECT pg_total_relation_size(%s::regclass)", (table,))
            ((found,),) = size.fetchall()
            report.add(Figure(f"{table} per heartbeat", "bytes", [found / len(paths)]))


def _nobody_missed(installation: Installation) -> None:
    with psycopg.connect(installation.url) as connection:
        ((down,),) = connection.execute(
            "SELECT count(*) FROM heartbeat_statuses WHERE state <> 'up'"
        ).fetchall()
    if down:
        raise RuntimeError(f"{down} heartbeats are not up: pings were lost")


def _spent(installation: Installation, hub: Server) -> Spent:
    with psycopg.connect(installation.url) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        ((wal, writes, hot),) = connection.execute(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8, n_tup_upd, n_tup_hot_upd"
            " FROM pg_stat_user_tables WHERE relname = 'heartbeat_statuses'"
        ).fetchall()
    server = psutil.Process(hub.process.pid)
    ours = [server, *server.children(recursive=True)]
    return Spent(_cpu(ours), _cpu(_postgres(installation)), wal, writes, hot)


def _postgres(installation: Installation) -> list[psutil.Process]:
    """The processes of the PostgreSQL of this bench that live now."""
    with psycopg.connect(installation.url) as connection:
        ((backend,),) = connection.execute("SELECT pg_backend_pid()").fetchall()
        postmaster = psutil.Process(backend).parent()
    assert postmaster is not None
    return [postmaster, *postmaster.children(recursive=True)]


def _cpu(processes: list[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def _load(hub: Server, paths: list[str], *, per_second: float | None) -> list[float]:
    """Ping each path over a few connections, at a fixed rate or as fast as it goes; milliseconds from
    when each was due to its answer."""
    return asyncio.run(_pinging(hub, paths, per_second))


async def _pinging(hub: Server, paths: list[str], per_second: float | None) -> list[float]:
    url = urlsplit(hub.url)
    waiting = iter(enumerate(paths))
    began = time.monotonic()
    latencies: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        for number, path in waiting:
            due = time.monotonic()
            if per_second is not None:
                due = began + number / per_second
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode())
            await reader.readexactly(2)
            latencies.append(1000 * (time.monotonic() - due))
        writer.close()

    # The server closes what is idle for seconds.
    count = CONNECTIONS if per_second is None else min(CONNECTIONS, max(1, int(per_second / 2)))
    await asyncio.gather(*(one() for _ in range(count)))
    return latencies
