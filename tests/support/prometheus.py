"""Prometheus and Alertmanager, as Debian ships them, and the outages that they see. A lease of
Prometheus is four seconds here."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.node import eventually
from tests.support.ports import free_port
from tests.support.programs import program_of
from tests.support.workspace import Sender


@dataclass
class Outages:
    """A scrape target of one gauge, `outage{name="…"}`: 1 while it lasts."""

    port: int = 0
    _values: dict[str, int] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        self._values[name] = 1

    def end(self, name: str) -> None:
        self._values[name] = 0

    def text(self) -> str:
        lines = (f'outage{{name="{name}"}} {value}\n' for name, value in list(self._values.items()))
        return "# TYPE outage gauge\n" + "".join(lines)


@contextmanager
def exporter() -> Iterator[Outages]:
    outages = Outages()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = outages.text().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        outages.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield outages
        finally:
            server.shutdown()


@dataclass(frozen=True)
class Running:
    """One of the programs, at its port."""

    port: int
    process: subprocess.Popen[bytes]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def get(self, path: str) -> str:
        return _get(f"http://127.0.0.1:{self.port}{path}")

    def metric(self, name: str) -> float:
        """What it counts itself, by the name and labels as they are written there; 0 if nothing."""
        lines = (line.rpartition(" ") for line in self.get("/metrics").splitlines())
        return next((float(value) for found, _, value in lines if found == name), 0.0)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


@contextmanager
def _running(folder: Path, port: int, ready: str, *command: str) -> Iterator[Running]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}{ready}"

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()
        with suppress(OSError):
            _get(url)
            return True
        return False

    try:
        eventually(answers, f"{command[0]} is ready")
        yield Running(port, process)
    finally:
        # Whether it is frozen or not.
        process.kill()
        process.wait()


@contextmanager
def prometheus(
    folder: Path,
    outages: Outages,
    *alertmanagers: Running,
    also: dict[str, Any] | None = None,
    resend: int = 1,
) -> Iterator[Running]:
    """Looks once a second, and fires one alert for each outage, critical from the first look on.
    `also`: a further block of `alertmanagers`; `resend`: seconds between repeats, whose leases are four
    times as long."""
    program = program_of("prometheus")
    folder.mkdir()
    # JSON is YAML.
    rule = {
        "alert": "Outage",
        "expr": "outage > 0",
        "labels": {"severity": "critical"},
        "annotations": {"summary": "{{ $labels.name }} is down"},
    }
    targets = [f"127.0.0.1:{each.port}" for each in alertmanagers]
    notified = [{"static_configs": [{"targets": targets}]}, *([also] if also else [])]
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules.yml")],
        "alerting": {"alertmanagers": notified},
        "scrape_configs": [
            {
                "job_name": "test",
                "static_configs": [{"targets": [f"127.0.0.1:{outages.port}"]}],
            }
        ],
    }
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "all", "rules": [rule]}]}))
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    port = free_port()
    with _running(
        folder,
        port,
        "/-/ready",
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--rules.alert.resend-delay={resend}s",
    ) as running:
        yield running


@contextmanager
def alertmanager(
    folder: Path,
    url: str,
    sender: Sender,
    *,
    repeat: str = "1h",
    cluster_port: int | None = None,
    peers: tuple[int, ...] = (),
    peer_timeout: str = "0s",
    receiver: dict[str, Any] | None = None,
) -> Iterator[Running]:
    """Posts what Prometheus says to `url` as `sender`, each alert by itself and without waiting; in
    a cluster with its `peers` if it has a port for that, and then without waiting for them. With a
    `receiver` that is what it notifies."""
    program = program_of("prometheus-alertmanager", "alertmanager")
    folder.mkdir()
    kind, _, secret = sender.headers(b"").get("Authorization", "").partition(" ")
    authorization = {"type": kind, "credentials": secret}
    configuration = {
        "route": {
            "receiver": "tocsin",
            "group_by": ["..."],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": repeat,
        },
        "receivers": [
            receiver
            or {
                "name": "tocsin",
                "webhook_configs": [
                    {
                        "url": url,
                        "send_resolved": True,
                        "http_config": {"authorization": authorization},
                    }
                ],
            }
        ],
    }
    (folder / "alertmanager.yml").write_text(json.dumps(configuration))
    port = free_port()
    cluster = "" if cluster_port is None else f"127.0.0.1:{cluster_port}"
    with _running(
        folder,
        port,
        "/-/ready",
        program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--cluster.listen-address={cluster}",
        *(f"--cluster.peer=127.0.0.1:{peer}" for peer in peers),
        f"--cluster.peer-timeout={peer_timeout}",
        "--cluster.settle-timeout=2s",
    ) as running:
        yield running
