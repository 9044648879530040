"""From a webhook to the page that is handed to its provider; ten thousand steps due at one moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.types.json import Json

from bench import load, options, webhooks
from bench.installation import SECRET, Installation, install, postgres, serving
from bench.machine import describe
from bench.receiver import Receiver, receiving
from bench.report import Figure, Report
from tocsin.model import EventType, uuid7

PER_SECOND = 200
TARGET_SECONDS, TARGET_DUE_SECONDS = 1.0, 60.0
PEOPLE = 5
STALLED_AFTER_SECONDS = 90.0


@dataclass(kw_only=True)
class Options(options.Options):
    running: int = 10_000
    """Escalations whose next step is due at one moment."""

    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(rounds=1, seconds=3, running=500)


def run(options: Options) -> Report:
    report = Report("Escalation", "python -m bench escalation", describe())
    handed, due = [], []
    with postgres() as server, receiving(server.folder) as receiver:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            installation = install(server.database("tocsin"))
            _page_everybody(installation, receiver)
            allowed = {"TOCSIN_OUTBOUND_ALLOW": "127.0.0.0/8"}
            with serving(
                installation,
                server.folder,
                workers=options.workers,
                role="all",
                environment=allowed,
            ) as hub:
                url = installation.webhook_url(hub)
                handed.append(_handed_p99(installation, url, options.seconds))
                due.append(_due_seconds(installation, url, server.folder, options.running))
    report.add(
        Figure(
            f"webhook to page handed over, p99, {PER_SECOND} alerts/s, a policy for each",
            "s",
            handed,
            f"≤ {TARGET_SECONDS:g} s",
            max(handed) <= TARGET_SECONDS,
        )
    )
    report.add(
        Figure(
            f"{options.running:,} steps due at one moment: until all are taken",
            "s",
            due,
            f"≤ {TARGET_DUE_SECONDS:g} s",
            max(due) <= TARGET_DUE_SECONDS,
        )
    )
    return report


def _page_everybody(installation: Installation, receiver: Receiver) -> None:
    """Two steps of people, each with one contact method; the second waits for an hour."""
    policy, workspace = uuid7(), installation.workspace_id
    with psycopg.connect(installation.url) as connection:
        people = [_person(connection, workspace, number, receiver) for number in range(PEOPLE)]
        steps = Json(
            [
                {
                    "targets": [{"type": "user", "id": str(person)} for person in persons],
                    "wait_seconds": 3_600,
                }
                for persons in (people[:1], people[1:])
            ]
        )
        connection.execute(
            "INSERT INTO escalation_policies (id, workspace_id, name, steps) VALUES (%s, %s, 'P', %s)",
            (policy, workspace, steps),
        )
        connection.execute(
            "INSERT INTO escalation_policy_versions (escalation_policy_id, version, name, steps, repeat)"
            " VALUES (%s, 1, 'P', %s, 0)",
            (policy, steps),
        )
        connection.execute(
            "INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids,"
            " escalation_policy_id) VALUES (%s, %s, 'everything', %s, '{}', %s)",
            (uuid7(), workspace, [EventType.TRIGGERED.value], policy),
        )


def _person(
    connection: psycopg.Connection, workspace: UUID, number: int, receiver: Receiver
) -> UUID:
    person = uuid7()
    connection.execute(
        "INSERT INTO users (id, email, name) VALUES (%s, %s, %s)",
        (person, f"{number}@example.org", f"person {number}"),
    )
    connection.execute(
        "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, 'responder')",
        (person, workspace),
    )
    connection.execute(
        "INSERT INTO alert_destinations (id, workspace_id, name, type, config, user_id, verified_at)"
        " VALUES (%s, %s, %s, 'webhook', %s, %s, now())",
        (uuid7(), workspace, f"contact {number}", Json({"url": receiver.url}), person),
    )
    return person


def _handed_p99(installation: Installation, url: str, seconds: float) -> float:
    """By the database: from when the webhook came in to the first attempt at its first page."""
    requests = webhooks.signed(int(PER_SECOND * seconds), SECRET)
    load.fixed_rate(url, requests, per_second=PER_SECOND, header=webhooks.HEADER)
    _until(installation, "SELECT count(*) FROM alert_deliveries WHERE status = 'queued'", 0)
    with psycopg.connect(installation.url) as connection:
        found = connection.execute(
            "SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY"
            " extract(epoch FROM attempt.started_at - alert.created_at))"
            " FROM alert_delivery_attempts AS attempt"
            " JOIN alert_deliveries AS page ON page.id = attempt.alert_delivery_id"
            " JOIN alerts AS alert ON alert.id = page.alert_id"
            " WHERE attempt.number = 1 AND page.reason = 'escalation'"
        ).fetchone()
    assert found is not None
    return float(found[0])


def _due_seconds(installation: Installation, url: str, folder: Path, count: int) -> float:
    file = folder / "webhooks.txt"
    load.write_requests(file, webhooks.signed(count, SECRET))
    running = "SELECT count(*) FROM escalations WHERE state = 'running' AND step = 0"
    with psycopg.connect(installation.url, autocommit=True) as connection:
        connection.execute("UPDATE escalations SET state = 'stopped', next_at = NULL")
    with load.all_of(url, file, header=webhooks.HEADER):
        _until(installation, running, count)
    with psycopg.connect(installation.url, autocommit=True) as connection:
        began = time.monotonic()
        connection.execute("UPDATE escalations SET step_due_at = now(), next_at = now()")
    _until(installation, running, 0)
    return time.monotonic() - began


def _until(installation: Installation, question: str, wanted: int) -> None:
    """Until the answer is as wanted.

    Raises:
        RuntimeError: it has not changed for a long time.
    """
    last, since = -1, time.monotonic()
    with psycopg.connect(installation.url, autocommit=True) as connection:
        while True:
            row = connection.execute(question.encode()).fetchone()
            assert row is not None
            if row[0] == wanted:
                return
            if row[0] != last:
                last, since = row[0], time.monotonic()
            if time.monotonic() - since > STALLED_AFTER_SECONDS:
                raise RuntimeError(f"{question}: {row[0]}, and no more")
            time.sleep(0.05)
