"""What holds cost ingest, and how long ten thousand alerts take whose hold ends at one moment."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.types.json import Json

from bench import load, options, webhooks
from bench.installation import SECRET, Installation, install, postgres, serving
from bench.machine import describe
from bench.processes import Server
from bench.report import Figure, Report
from tocsin.model import EventType, uuid7

SILENCES, WINDOWS, INHIBITION_RULES, GROUPING_RULES = 500, 500, 200, 100
EXPECTED_PER_SECOND = 10_000
"""More webhooks than these are never prepared for a second of load."""
TARGET, TARGET_BESIDE_ENDS, TARGET_SECONDS = 0.8, 0.7, 30.0


@dataclass(kw_only=True)
class Options(options.Options):
    held: int = 10_000
    """Alerts that one silence holds."""

    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(rounds=1, seconds=2, held=500)


def run(options: Options) -> Report:
    report = Report("Holds", "python -m bench holds", describe())
    without, with_, beside, worked_off = [], [], [], []
    with postgres() as server:
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", flush=True)
            installation = install(server.database("tocsin"))
            _notify(installation)
            with serving(installation, server.folder, workers=options.workers) as hub:
                url = installation.webhook_url(hub)
                without.append(_rate(url, server.folder, options.seconds))
            installation = install(server.database("tocsin"))
            _notify(installation)
            _hold_others(installation)
            with serving(installation, server.folder, workers=options.workers) as hub:
                url = installation.webhook_url(hub)
                with_.append(_rate(url, server.folder, options.seconds))
            installation = install(server.database("tocsin"))
            _notify(installation)
            rate, seconds = _end_at_once(installation, server.folder, options)
            beside.append(rate)
            worked_off.append(seconds)
    report.add(Figure("webhooks, one rule", "/s", without))
    what = (
        f"{SILENCES} silences, {WINDOWS} windows, {INHIBITION_RULES} inhibition rules and"
        f" {GROUPING_RULES} grouping rules, none of which matches"
    )
    report.add(Figure(f"… with {what}", "/s", with_))
    report.ratio("with ÷ without", with_, without, TARGET)
    report.add(
        Figure(
            f"{options.held:,} alerts whose silence ends: until all are queued, beside webhooks",
            "s",
            worked_off,
            f"≤ {TARGET_SECONDS:g} s",
            max(worked_off) <= TARGET_SECONDS,
        )
    )
    report.add(Figure("webhooks meanwhile", "/s", beside))
    report.ratio("meanwhile ÷ without", beside, without, TARGET_BESIDE_ENDS)
    return report


def _rate(url: str, folder: Path, seconds: float) -> float:
    file = folder / "webhooks.txt"
    load.write_requests(file, webhooks.signed(2_000, SECRET))
    load.full_speed(url, file, seconds=1, header=webhooks.HEADER, again=True)
    load.write_requests(file, webhooks.signed(int(seconds * EXPECTED_PER_SECOND), SECRET))
    return load.full_speed(url, file, seconds=seconds, header=webhooks.HEADER).per_second


def _notify(installation: Installation) -> None:
    """One rule that matches everything. Nobody dispatches."""
    destination = uuid7()
    with psycopg.connect(installation.url) as connection:
        connection.execute(
            "INSERT INTO alert_destinations (id, workspace_id, name, type, config)"
            " VALUES (%s, %s, 'ops', 'webhook', %s)",
            (destination, installation.workspace_id, Json({"url": "http://127.0.0.1:9/"})),
        )
        _rule(connection, installation.workspace_id, "everything", destination)


def _rule(connection: psycopg.Connection, workspace_id: UUID, name: str, destination: UUID) -> UUID:
    rule = uuid7()
    connection.execute(
        "INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)"
        " VALUES (%s, %s, %s, %s, %s)",
        (rule, workspace_id, name, [EventType.TRIGGERED.value], [destination]),
    )
    return rule


def _matchers(label: str, value: str, op: str = "=") -> Json:
    return Json([{"label": label, "op": op, "value": value}])


def _hold_others(installation: Installation) -> None:
    """Much that may hold, and holds nothing of what is sent. One window in a hundred is by pattern."""
    workspace = installation.workspace_id
    with psycopg.connect(installation.url) as connection:
        for number in range(SILENCES):
            connection.execute(
                "INSERT INTO silences (id, workspace_id, matchers, starts_at, ends_at, author, comment)"
                " VALUES (%s, %s, %s, now(), now() + interval '1 day', 'Ada', '')",
                (uuid7(), workspace, _matchers("host", f"no-{number}")),
            )
        for number in range(WINDOWS):
            by_pattern = number % 100 == 0
            connection.execute(
                "INSERT INTO maintenance_windows (id, workspace_id, name, comment, matchers, timezone,"
                " starts_at, duration_minutes, rrule, author) VALUES (%s, %s, %s, '', %s,"
                " 'Europe/Berlin', now()::timestamp - interval '3 hours', 300, 'FREQ=DAILY', 'Ada')",
                (
                    uuid7(),
                    workspace,
                    f"window {number}",
                    _matchers("host", f"no-{number}.*", "=~")
                    if by_pattern
                    else _matchers("host", f"no-{number}"),
                ),
            )
        for number in range(INHIBITION_RULES):
            connection.execute(
                "INSERT INTO inhibition_rules (id, workspace_id, name, source_matchers,"
                " target_matchers, equal, delay_seconds, grace_seconds)"
                " VALUES (%s, %s, %s, %s, %s, %s, 30, 60)",
                (
                    uuid7(),
                    workspace,
                    f"inhibition {number}",
                    _matchers("check", f"source-{number}"),
                    _matchers("check", f"target-{number}"),
                    ["host"],
                ),
            )
        (destination,) = connection.execute("SELECT id FROM alert_destinations").fetchone() or ()
        for number in range(GROUPING_RULES):
            rule = _rule(connection, workspace, f"group {number}", destination)
            connection.execute(
                "UPDATE alert_rules SET matchers = %s, group_by = %s WHERE id = %s",
                (_matchers("cluster", f"no-{number}"), ["host"], rule),
            )


def _end_at_once(installation: Installation, folder: Path, options: Options) -> tuple[float, float]:
    """Webhooks per second from the end of a silence that holds `options.held` alerts, and the seconds
    until all of these are queued."""
    with psycopg.connect(installation.url, autocommit=True) as connection:
        silence = uuid7()
        connection.execute(
            "INSERT INTO silences (id, workspace_id, matchers, starts_at, ends_at, author, comment)"
            " VALUES (%s, %s, %s, now(), now() + interval '1 day', 'Ada', '')",
            (silence, installation.workspace_id, _matchers("team", "storage")),
        )
        with serving(installation, folder, workers=options.workers) as hub:
            _hold(hub, installation, folder, options.held, connection)
            file, seconds = folder / "webhooks.txt", options.seconds
            load.write_requests(file, webhooks.signed(int(seconds * EXPECTED_PER_SECOND), SECRET))
            began = time.monotonic()
            ends_at = datetime.now(UTC) - timedelta(milliseconds=1)
            connection.execute("UPDATE silences SET ends_at = %s WHERE id = %s", (ends_at, silence))
            url = installation.webhook_url(hub)
            rate = load.full_speed(url, file, seconds=seconds, header=webhooks.HEADER).per_second
            while _held(connection):
                time.sleep(0.1)
            last = connection.execute(
                "SELECT extract(epoch FROM max(updated_at) - %s)::float FROM alert_deliveries"
                " WHERE detail ? 'held'",
                (ends_at,),
            ).fetchone()
            assert last is not None
            print(f"  worked off, seen after {time.monotonic() - began:.1f} s", flush=True)
            return rate, last[0]


def _hold(
    hub: Server,
    installation: Installation,
    folder: Path,
    count: int,
    connection: psycopg.Connection,
) -> None:
    file = folder / "held.txt"
    load.write_requests(file, webhooks.signed(count, SECRET))
    with load.all_of(installation.webhook_url(hub), file, header=webhooks.HEADER):
        while _held(connection) < count:
            time.sleep(0.1)


def _held(connection: psycopg.Connection) -> int:
    found = connection.execute(
        "SELECT count(*)::int FROM alert_deliveries WHERE status = 'deferred'"
    ).fetchone()
    return 0 if found is None else found[0]
