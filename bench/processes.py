"""Servers under measurement: started, waited for, watched for memory, stopped by process id."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    url: str
    process: subprocess.Popen[bytes]

    def resident_bytes(self) -> int:
        """What the process and all its children take of the machine's memory: a page that several
        of them share (interpreter, libraries) counts once (PSS; see proc_pid_smaps(5)). PostgreSQL
        is not one of them."""
        total = 0
        root = psutil.Process(self.process.pid)
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                if "postgres" not in process.name():
                    total += process.memory_full_info().pss
        return total


@contextlib.contextmanager
def server(
    command: Sequence[str],
    port: int,
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    health: str = "/",
    within_seconds: float = 60,
) -> Iterator[Server]:
    """A child process listening on 127.0.0.1:`port`; stopped with SIGTERM, at worst SIGKILL."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url + health, log, within_seconds)
        yield Server(url, process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"it ended at once; its log:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}; log:\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def memory_over_time(watched: Server, every_seconds: float = 0.2) -> Iterator[list[int]]:
    """Resident bytes, sample after sample."""
    samples: list[int] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(every_seconds):
            with contextlib.suppress(psutil.Error):
                samples.append(watched.resident_bytes())

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        done.set()
        thread.join()
