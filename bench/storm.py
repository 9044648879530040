"""A storm: ten thousand alerts in a minute, to a workflow of Teams that takes ninety messages an hour.

A CRITICAL one comes half-way. What counts: how many messages are sent, how soon the first one says
CRITICAL, that each alert's row says what became of it, and memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from psycopg.types.json import Json

from bench import load, options, webhooks
from bench.installation import SECRET, Installation, install, postgres, serving
from bench.machine import describe
from bench.processes import memory_over_time
from bench.report import Figure, Report
from tocsin.access.vault import Vault
from tocsin.model import EventType, Secret, uuid7

PER_HOUR = 90
MOST_MESSAGES, MOST_SECONDS = 10, 1.0
PATIENCE_SECONDS = 60.0


@dataclass(kw_only=True)
class Options(options.Options):
    alerts: int = 10_000
    minute: float = 60.0
    """In which they come."""

    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(rounds=1, alerts=1_000, minute=6.0)


@dataclass
class Workflow:
    """It answers as Teams does, and refuses more than ninety."""

    url: str = ""
    messages: int = 0
    refused: int = 0
    critical_at: float | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, body: bytes) -> int:
        with self.lock:
            self.messages += 1
            if b"CRITICAL" in body and self.critical_at is None:
                self.critical_at = time.monotonic()
            if self.messages > PER_HOUR:
                self.refused += 1
                return 429
            return 202


@contextlib.contextmanager
def _workflow() -> Iterator[Workflow]:
    workflow = Workflow()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(workflow.take(body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        workflow.url = f"http://127.0.0.1:{server.server_port}/workflow"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield workflow
        server.shutdown()


@dataclass
class Rounds:
    messages: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    unexplained: list[float] = field(default_factory=list)


def run(options: Options) -> Report:
    report = Report("A storm", "python -m bench storm", describe())
    rounds = Rounds()
    with postgres() as server:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            installation = install(server.database("tocsin"))
            with (
                _workflow() as workflow,
                serving(
                    installation,
                    server.folder,
                    workers=options.workers,
                    role="all",
                    environment={"TOCSIN_OUTBOUND_ALLOW": "127.0.0.0/8"},
                ) as hub,
                memory_over_time(hub) as memory,
            ):
                _to_teams(installation, workflow.url)
                sent = load.fixed_rate(
                    installation.webhook_url(hub),
                    _alerts(options.alerts),
                    per_second=options.alerts / options.minute,
                    header=webhooks.HEADER,
                )
                critical_due = sent.began + options.minute / 2
                _settle(installation, workflow)
            if workflow.critical_at is None or workflow.refused:
                raise RuntimeError(
                    f"{workflow.refused} messages were refused, or none was CRITICAL"
                )
            rounds.messages.append(workflow.messages)
            rounds.seconds.append(workflow.critical_at - critical_due)
            rounds.memory.append(max(memory) / 1e6)
            rounds.unexplained.append(options.alerts - _explained(installation))
    _tell(report, options, rounds)
    return report


def _tell(report: Report, options: Options, rounds: Rounds) -> None:
    what = f"{options.alerts:,} alerts in {options.minute:g} s, to {PER_HOUR} messages an hour"
    report.add(
        Figure(
            f"{what}: messages",
            "",
            rounds.messages,
            f"≤ {MOST_MESSAGES}",
            max(rounds.messages) <= MOST_MESSAGES,
        )
    )
    report.add(
        Figure(
            "from the first CRITICAL to the message that says it",
            "s",
            rounds.seconds,
            f"≤ {MOST_SECONDS:g} s",
            max(rounds.seconds) <= MOST_SECONDS,
        )
    )
    report.add(
        Figure(
            "alerts whose row does not say what became of it",
            "",
            rounds.unexplained,
            "0",
            not any(rounds.unexplained),
        )
    )
    report.add(Figure("peak memory of the server", "MB", rounds.memory))


def _alerts(count: int) -> Iterator[tuple[str, bytes]]:
    """All LOW, but for the one in the middle."""
    run = os.urandom(6).hex()
    for number in range(count):
        severity = "critical" if number == count // 2 else "low"
        document = json.loads(webhooks.body(number, run)) | {"severity": severity}
        body = json.dumps(document, separators=(",", ":")).encode()
        yield hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(), body


def _to_teams(installation: Installation, url: str) -> None:
    destination = uuid7()
    sealed = Vault([installation.key]).seal(Secret(json.dumps({"url": url})))
    with psycopg.connect(installation.url) as connection:
        connection.execute(
            "INSERT INTO alert_destinations (id, workspace_id, name, type, config, secret_config)"
            " VALUES (%s, %s, 'ops', 'teams', %s, %s)",
            (
                destination,
                installation.workspace_id,
                Json({"url": "https://…", "payload": "message", "timezone": "UTC"}),
                sealed,
            ),
        )
        connection.execute(
            "INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)"
            " VALUES (%s, %s, 'all', %s, %s)",
            (uuid7(), installation.workspace_id, [EventType.TRIGGERED.value], [destination]),
        )


def _settle(installation: Installation, workflow: Workflow) -> None:
    """Until the digest after the storm has gone. Its interval is over sooner: nothing is measured in
    it."""
    with psycopg.connect(installation.url, autocommit=True) as connection:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _pending(connection):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{_pending(connection)} still wait, {workflow.messages} came")
            time.sleep(0.5)
            connection.execute(
                "UPDATE alert_groups SET look_at = now(), last_sent_at = now() - interval '5 minutes'"
                " WHERE kind = 'storm' AND last_sent_at < now() - interval '10 seconds'"
            )


def _pending(connection: psycopg.Connection) -> int:
    found = connection.execute(
        "SELECT count(*)::int FROM alert_deliveries WHERE status IN ('queued', 'deferred')"
    ).fetchone()
    return 0 if found is None else found[0]


def _explained(installation: Installation) -> int:
    """Rows that were sent by themselves, or name the digest that said them."""
    with psycopg.connect(installation.url) as connection:
        found = connection.execute(
            "SELECT count(*)::int FROM alert_deliveries WHERE alert_id IS NOT NULL AND status = 'sent'"
            " AND (reason = 'rule' AND carried_by IS NULL"
            "      OR reason = 'rate_limited' AND carried_by IS NOT NULL)"
        ).fetchone()
    return 0 if found is None else found[0]
