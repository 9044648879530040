"""Debian's Prometheus Alertmanager, one alert per `POST /api/v2/alerts`; it keeps them in memory."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.processes import Server, free_port, server

_CONFIG = """
route:
  receiver: nobody
receivers:
  - name: nobody
"""

_TELLING = """
route:
  receiver: bench
  # One notification per alert, at once. The interval is for later changes of a group: a short one
  # would only have each of thousands of groups woken for nothing.
  group_by: ['...']
  group_wait: 0s
  group_interval: 5m
receivers:
  - name: bench
    webhook_configs:
      - url: {url}
        send_resolved: false
"""


def posting_to(url: str) -> str:
    """The configuration with which each alert is posted to the webhook receiver at `url`."""
    return _TELLING.format(url=url)


def available() -> str | None:
    """Why not, or None."""
    if shutil.which("prometheus-alertmanager"):
        return None
    return "prometheus-alertmanager is missing: apt-get install prometheus-alertmanager"


@contextlib.contextmanager
def running(folder: Path, config: str = _CONFIG) -> Iterator[Server]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "alertmanager.yml").write_text(config)
    port = free_port()
    with server(
        [
            "prometheus-alertmanager",
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=error",
        ],
        port,
        log=folder / "alertmanager.log",
        health="/-/ready",
    ) as started:
        yield started


def alerts(count: int) -> Iterator[tuple[str, bytes]]:
    """Unique alerts of the same content as the webhooks."""
    run = os.urandom(6).hex()
    for number in range(count):
        yield "-", json.dumps([alert(run, number)], separators=(",", ":")).encode()


def alert(run: str, number: int) -> dict[str, object]:
    return {
        "labels": {
            "alertname": "DiskAlmostFull",
            "id": f"{run}-{number}",
            "severity": "critical",
            "host": f"db{number}.example",
            "team": "storage",
            "service": "orders-db",
            "region": "eu-central-1",
        },
        "annotations": {
            "summary": f"Disk /var almost full on db{number}",
            "description": "97 % used, 1.2 GiB free. It grew by 3 GiB/h for six hours; the "
            "volume will be full before the morning shift.",
        },
        "generatorURL": "https://runbooks.example/disk-full",
    }
