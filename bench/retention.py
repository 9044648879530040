"""What ingest keeps while the past is deleted as fast as retention goes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench import load, options, webhooks
from bench.installation import SECRET, install, postgres, serving
from bench.machine import describe
from bench.report import Figure, Report
from bench.seed import fill
from tocsin.model import KeptHistory, utc_now
from tocsin.store.database import connect
from tocsin.store.queries.retention import LOSABLE, PLANNER, sweep_old

EXPECTED_PER_SECOND = 10_000
"""More webhooks than these are never prepared for a second of load."""
SLICE = timedelta(minutes=30)
"""Of the past, in which there are 2.5 webhooks a second, at a time."""
TARGET = 0.8


@dataclass(kw_only=True)
class Options(options.Options):
    stored: int = 1_500_000

    @classmethod
    def quick(cls) -> Options:
        """To see that it runs; the figures mean little."""
        return cls(rounds=1, seconds=2, stored=60_000)


def run(options: Options) -> Report:
    report = Report("Retention", "python -m bench retention", describe())
    alone: list[float] = []
    beside: list[float] = []
    deleted: list[float] = []
    with postgres() as server:
        installation = install(server.database("tocsin"))
        fill(installation, options.stored)
        begin = utc_now() - timedelta(days=30)
        with serving(installation, server.folder, workers=options.workers) as hub:
            url = installation.webhook_url(hub)
            # What was just written is still being flushed.
            _rate(url, server.folder, options.seconds)
            for number in range(options.rounds):
                print(f"round {number + 1} of {options.rounds}", flush=True)
                alone.append(_rate(url, server.folder, options.seconds))
                with _sweeping(installation.url, begin.timestamp()) as swept:
                    began = time.monotonic()
                    beside.append(_rate(url, server.folder, options.seconds))
                    seconds = time.monotonic() - began
                deleted.append(swept[0] / seconds)
                begin += swept[1] * SLICE
    report.add(Figure("webhooks, nothing deleted", "/s", alone))
    report.add(Figure("webhooks, while the past is deleted", "/s", beside))
    report.ratio("while deleted ÷ nothing deleted", beside, alone, TARGET)
    report.add(Figure("rows deleted meanwhile, three for each webhook", "/s", deleted))
    return report


def _rate(url: str, folder: Path, seconds: float) -> float:
    file = folder / "webhooks.txt"
    load.write_requests(file, webhooks.signed(int(seconds * EXPECTED_PER_SECOND), SECRET))
    return load.full_speed(url, file, seconds=seconds, header=webhooks.HEADER).per_second


@contextmanager
def _sweeping(url: str, begin: float) -> Iterator[list[int]]:
    """Another process sweeps meanwhile; at the end, how many rows, and how many slices of the past."""
    swept = [0, 0]
    command = [sys.executable, "-m", "bench.retention", url, str(begin)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield swept
        finally:
            process.terminate()
            for line in process.stdout:
                swept[0] += int(line)
                swept[1] += 1
            process.wait(30)


async def _sweep(url: str, begin: float) -> None:
    async with await connect(url) as connection:
        await connection.execute(LOSABLE)
        await connection.execute(PLANNER)
        print("ready", flush=True)
        before = utc_now() - timedelta(seconds=utc_now().timestamp() - begin)
        while True:
            before += SLICE
            print(await sweep_old(connection, dict.fromkeys(KeptHistory, before)), flush=True)


if __name__ == "__main__":
    asyncio.run(_sweep(sys.argv[1], float(sys.argv[2])))
