"""How long the console's pages take on the server, with many alerts of which many are open."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import math
import time
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import psutil
import psycopg
from psycopg.types.json import Json

from bench import options
from bench.installation import Installation, Postgres, install, postgres, serving
from bench.machine import describe
from bench.processes import Server
from bench.report import Figure, Report
from bench.schedules import five_layers
from tocsin.access.sessions import begin_session
from tocsin.model import utc_now, uuid7
from tocsin.oncall.documents import layer_document
from tocsin.resources.first_person import create_first_person
from tocsin.store.database import configuring, connect, create_engine
from tocsin.store.search_copy import copy_new, make_indexes

TARGET = 100.0
"""Milliseconds at the 99th percentile."""
_COPIED_AT_ONCE = 5_000
PAGES = {
    "Home": "/",
    "Alerts": "/alerts",
    "Alerts, one severity": "/alerts?q=status:open,acknowledged+severity:critical",
    "Alerts, grouped": "/alerts?group=team",
    "Alerts, by a label": "/alerts?q=status:open+host:db77",
    "Alerts, by a frequent label": "/alerts?q=status:open+team:team-7",
    "Alerts, by words": "/alerts?q=status:open+db777",
    "Alerts, by frequent words": "/alerts?q=status:open+almost+full",
    "Alerts, by words nobody said": "/alerts?q=status:open+giraffe",
    "Alerts, over": "/alerts?q=status:resolved",
    "Alerts, over, by words": "/alerts?q=status:resolved+db777",
    "Alerts, acknowledged": "/alerts?q=status:acknowledged",
    "Alerts, held": "/alerts?q=status:open,acknowledged+held:yes",
    "Alerts, of somebody": "/alerts?q=status:acknowledged+owner:Bench",
    "What it can be narrowed to": "/alerts/facets",
    "Narrowed, one severity": "/alerts/facets?q=status:open,acknowledged+severity:critical",
    "Narrowed, by words": "/alerts/facets?q=status:open+db777",
    "Narrowed, by frequent words": "/alerts/facets?q=status:open+almost+full",
    "Narrowed, over": "/alerts/facets?q=status:resolved",
    "How many each view has": "/alerts/views/counts",
    "Names to complete": "/alerts/complete?term=ho",
    "Values to complete": "/alerts/complete?term=host:db7",
    "Jump to an alert": "/alerts/jump?q=db777",
    "One alert": "/alerts/{alert}",
    "Deliveries": "/deliveries",
    "Integrations": "/integrations",
    "Destinations": "/destinations",
    "Rules": "/rules",
    "Silences": "/silences",
    "Maintenance": "/maintenance",
    "Heartbeats": "/heartbeats",
    "Schedules": "/schedules",
    "One schedule, a week": "/schedules/{schedule}",
    "One schedule, a month": "/schedules/{schedule}?view=month",
    "Policies": "/policies",
    "Admin": "/admin",
    "Retention": "/admin/retention",
    "Retention, other days": "/admin/retention?days=7",
    "Tenants": "/admin/tenants",
    "Workspaces": "/admin/workspaces",
    "Board of tenants": "/board",
    "Alerts, of a tenant": "/alerts?q=status:open,acknowledged+tenant:tenant-77",
    "Me": "/me",
    "Overview": "/overview",
    "Wallboard": "/wallboard",
    "Inhibition": "/inhibition",
}

_TENANTS = """
INSERT INTO tenants (id, workspace_id, slug, name)
SELECT gen_random_uuid(), %(workspace)s, 'tenant-' || n, 'Tenant ' || n
FROM generate_series(1, %(others)s::int) AS n
RETURNING id
"""
"""Of a provider; the tenant that the workspace was made with has half of all alerts, these the rest."""

_ALERTS = """
INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status, source,
    external_id, triggered_at, labels, last_received_at, last_signal_at, created_at, updated_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '9' || substr(md5(n::text), 4, 15))::uuid,
    %(workspace)s,
    CASE WHEN n %% 2 = 0 THEN %(tenant)s ELSE (%(tenants)s::uuid[])[1 + n %% %(others)s] END,
    %(integration)s, 'Disk /var almost full on db' || n,
    (ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFO'])[1 + n %% 5]::alert_severity,
    (CASE WHEN n > %(count)s - %(live)s THEN (ARRAY['OPEN', 'ACKNOWLEDGED'])[1 + (n %% 7 = 0)::int]
     ELSE 'RESOLVED' END)::alert_status,
    'bench', 'past-' || n, at,
    jsonb_build_object('team', 'team-' || n %% 20, 'host', 'db' || n %% 1000), at, at, at, at
FROM (SELECT n, now() - (%(count)s - n) * interval '2 seconds' AS at
      FROM generate_series(1, %(count)s::int) AS n) AS made
"""

_AROUND = (
    """
    INSERT INTO alert_events (id, alert_id, kind, at, actor)
    SELECT id, id, 'triggered', triggered_at, '{"kind": "source", "name": "bench"}' FROM alerts
    WHERE status IN ('OPEN', 'ACKNOWLEDGED')
    """,
    """
    INSERT INTO alert_events (id, alert_id, kind, at, actor)
    SELECT gen_random_uuid(), id, 'acknowledged', triggered_at, '{"kind": "user", "name": "Somebody"}'
    FROM alerts WHERE status = 'ACKNOWLEDGED'
    """,
    """
    INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret)
    SELECT gen_random_uuid(), %(workspace)s, (%(tenants)s::uuid[])[n], 'source ' || n, 'generic',
        'sealed'
    FROM generate_series(1, 50) AS n
    """,
    """
    INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload, status_code,
        outcome, processed_at, created_at)
    SELECT gen_random_uuid(), integrations.id, n::text, '{}', 201, 'created', now(),
        now() - n * interval '1 minute'
    FROM integrations, generate_series(1, 500) AS n
    """,
    """
    INSERT INTO alert_destinations (id, workspace_id, name, type, config)
    SELECT gen_random_uuid(), %(workspace)s, 'destination ' || n, 'email',
        '{"recipients": ["ops@example.com"]}'
    FROM generate_series(1, 50) AS n
    """,
    """
    INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)
    SELECT gen_random_uuid(), %(workspace)s, 'rule ' || n, '{alerts.triggered}',
        ARRAY(SELECT id FROM alert_destinations LIMIT 2)
    FROM generate_series(1, 50) AS n
    """,
    """
    INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id, alert_destination_id,
        alert_id, event_type, status, sent_at, payload, reason, attempt_count)
    SELECT alerts.id, %(workspace)s, %(tenant)s, (SELECT id FROM alert_rules LIMIT 1),
        (SELECT id FROM alert_destinations LIMIT 1), alerts.id, 'alerts.triggered', 'sent', triggered_at,
        '{}', 'rule', 1
    FROM alerts WHERE status IN ('OPEN', 'ACKNOWLEDGED')
    """,
)
"""What stands around: live alerts with their history and messages, and what a team configures."""


@dataclass(kw_only=True)
class Options(options.Options):
    alerts: int = 1_000_000
    live: int = 100_000
    tenants: int = 499
    """Besides the one that the workspace was made with."""
    requests: int = 200
    """Of each page, one after the other."""

    @classmethod
    def quick(cls) -> Options:
        """To see that everything runs; the figures mean little."""
        return cls(alerts=5_000, live=1_000, requests=5)


def run(options: Options) -> Report:
    report = Report("Console", "python -m bench console", describe())
    with postgres() as server:
        installation = install(server.database("tocsin"))
        alert = _fill(installation, options)
        schedule = _schedule(installation)
        asyncio.run(_copy_words(installation.url))
        token = asyncio.run(_sign_in(installation.url))
        with serving(installation, server.folder, workers=1) as hub:
            for name, path in PAGES.items():
                before = _cpu_seconds(hub, server)
                times = _times(
                    hub.url, path.format(alert=alert, schedule=schedule), token, options.requests
                )
                p99 = times[math.ceil(len(times) * 0.99) - 1]
                report.add(Figure(f"{name}, p99", "ms", [p99], f"{TARGET:.0f}", p99 <= TARGET))
                cpu = (_cpu_seconds(hub, server) - before) * 1_000 / (options.requests + 1)
                report.add(Figure(f"{name}, CPU", "ms", [cpu]))
                print(
                    f"{name}: p50 {times[len(times) // 2]:.0f} ms, p99 {p99:.0f} ms, CPU {cpu:.0f} ms",
                    flush=True,
                )
    return report


def _cpu_seconds(hub: Server, database: Postgres) -> float:
    """Of the server and of PostgreSQL, so far: what a page costs, whatever else the machine does."""
    postmaster = next(database.folder.rglob("postmaster.pid")).read_text().split()[0]
    total = 0.0
    for parent in (psutil.Process(hub.process.pid), psutil.Process(int(postmaster))):
        for each in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = each.cpu_times()
                total += times.user + times.system
    return total


def _fill(installation: Installation, options: Options) -> str:
    """The id of an open alert among them."""
    values: dict[str, object] = {
        "workspace": installation.workspace_id,
        "tenant": installation.tenant_id,
        "integration": installation.integration_id,
        "count": options.alerts,
        "live": options.live,
        "others": options.tenants,
    }
    with psycopg.connect(installation.url, autocommit=True) as connection:
        values["tenants"] = [row[0] for row in connection.execute(_TENANTS, values)]
        connection.execute(_ALERTS, values)
        for statement in _AROUND:
            connection.execute(statement.encode(), values if "%(" in statement else None)
        connection.execute("VACUUM ANALYZE")
        row = connection.execute("SELECT id FROM alerts WHERE status = 'OPEN' LIMIT 1").fetchone()
    assert row is not None
    return str(row[0])


def _schedule(installation: Installation) -> str:
    """The id of one with five layers, as `bench schedules` resolves it."""
    id, now = uuid7(), utc_now()
    (version,) = five_layers(0).versions
    common = {
        "timezone": version.timezone,
        "layers": Json([layer_document(layer) for layer in version.layers]),
        "effective_from": now - timedelta(days=365),
    }
    rows: dict[str, dict[str, object]] = {
        "schedules": {"id": id, "workspace_id": installation.workspace_id, "name": "Five layers"},
        "schedule_versions": {"schedule_id": id},
    }
    with psycopg.connect(installation.url, autocommit=True) as connection:
        for table, own in rows.items():
            values = {**own, **common}
            connection.execute(
                f"INSERT INTO {table} ({', '.join(values)})"
                f" VALUES ({', '.join(['%s'] * len(values))})".encode(),
                list(values.values()),
            )
    return str(id)


async def _copy_words(url: str) -> None:
    """As the server does by and by."""
    async with await connect(url) as connection:
        await make_indexes(connection)
        while await copy_new(connection, utc_now() + timedelta(minutes=1), _COPIED_AT_ONCE):
            pass
        await connection.execute("VACUUM ANALYZE alert_search")


async def _sign_in(url: str) -> str:
    engine = create_engine(url, pool_size=1)
    try:
        async with configuring(engine) as session:
            user_id = await create_first_person(
                session, email="bench@example.com", name="Bench", password_hash=None, now=utc_now()
            )
            token = await begin_session(session, user_id, "bench", utc_now())
            return token.reveal_text()
    finally:
        await engine.dispose()


def _times(url: str, path: str, token: str, count: int) -> list[float]:
    """Milliseconds from request to last byte, in ascending order; the first is not counted."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=60)
    found = []
    for _ in range(count + 1):
        begun = time.perf_counter()
        connection.request("GET", path, headers={"Cookie": f"tocsin_session={token}"})
        response = connection.getresponse()
        body = response.read()
        found.append((time.perf_counter() - begun) * 1_000)
        assert response.status == 200, (path, response.status, body[:200])
    connection.close()
    return sorted(found[1:])
