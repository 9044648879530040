"""How long the console's pages take on the server, with many alerts of which many are open."""

from __future__ import annotations

import asyncio
import http.client
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import psycopg

from bench import options
from bench.installation import Installation, install, postgres, serving
from bench.machine import describe
from bench.report import Figure, Report
from tocsin.access.sessions import begin_session
from tocsin.model import utc_now
from tocsin.resources.first_person import create_first_person
from tocsin.store.database import configuring, create_engine

TARGET = 100.0
"""Milliseconds at the 99th percentile."""
PAGES = {
    "Home": "/",
    "Alerts": "/alerts",
    "Alerts, one severity": "/alerts?q=status:open,acknowledged+severity:critical",
    "Alerts, grouped": "/alerts?group=team",
    "Alerts, by a label": "/alerts?q=status:open+host:db77",
    "Alerts, by words": "/alerts?q=status:open+db777",
    "Alerts, over": "/alerts?q=status:resolved",
    "One alert": "/alerts/{alert}",
    "Deliveries": "/deliveries",
    "Integrations": "/integrations",
}

_ALERTS = """
INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status, source,
    external_id, triggered_at, labels, last_received_at, last_signal_at, created_at, updated_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
        || substr(md5(n::text), 1, 3) || '9' || substr(md5(n::text), 4, 15))::uuid,
    %(workspace)s, %(tenant)s, %(integration)s, 'Disk /var almost full on db' || n,
    (ARRAY['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'INFO'])[1 + n %% 5]::alert_severity,
    (CASE WHEN n > %(count)s - %(live)s THEN (ARRAY['OPEN', 'ACKNOWLEDGED'])[1 + (n %% 7 = 0)::int]
     ELSE 'RESOLVED' END)::alert_status,
    'bench', 'past-' || n, at,
    jsonb_build_object('team', 'team-' || n %% 20, 'host', 'db' || n %% 1000), at, at, at, at
FROM (SELECT n, now() - (%(count)s - n) * interval '2 seconds' AS at
      FROM generate_series(1, %(count)s::int) AS n) AS made
"""


@dataclass(kw_only=True)
class Options(options.Options):
    alerts: int = 1_000_000
    live: int = 100_000
    requests: int = 100
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
        token = asyncio.run(_sign_in(installation.url))
        with serving(installation, server.folder, workers=1) as hub:
            for name, path in PAGES.items():
                times = _times(hub.url, path.format(alert=alert), token, options.requests)
                p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
                report.add(Figure(f"{name}, p99", "ms", [p99], f"{TARGET:.0f}", p99 <= TARGET))
                print(f"{name}: p50 {times[len(times) // 2]:.0f} ms, p99 {p99:.0f} ms", flush=True)
    return report


def _fill(installation: Installation, options: Options) -> str:
    """The id of an open alert among them."""
    values = {
        "workspace": installation.workspace_id,
        "tenant": installation.tenant_id,
        "integration": installation.integration_id,
        "count": options.alerts,
        "live": options.live,
    }
    with psycopg.connect(installation.url, autocommit=True) as connection:
        connection.execute(_ALERTS, values)
        connection.execute("VACUUM ANALYZE alerts")
        row = connection.execute("SELECT id FROM alerts WHERE status = 'OPEN' LIMIT 1").fetchone()
    assert row is not None
    return str(row[0])


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
