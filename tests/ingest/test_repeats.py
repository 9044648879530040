"""What is repeated all day must cost less than what is new."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from tests.ingest.harness import NOON, harness
from tests.support.postgres import Database
from tocsin.ingest.received_webhook import Accepted, Shown
from tocsin.ingest.understand import understand
from tocsin.model import Secret

ALERTS = 64
"""As many as Prometheus sends at once."""
KEY = "s" * 40


def test_repeats_stay_on_their_pages_where_they_touch_no_index(database: Database) -> None:
    alerts: list[dict[str, Any]] = [
        {
            "labels": {"alertname": "Down", "instance": f"db{number}", "severity": "critical"},
            "annotations": {"summary": "It is down.", "description": "It has gone away. " * 20},
            "startsAt": NOON.isoformat(),
        }
        for number in range(ALERTS)
    ]
    with harness(database.url) as hub:
        integration = hub.workspace.sender("prometheus", secret=KEY)

        def post() -> dict[str, int]:
            """Where each alert is, afterwards."""
            sender = hub.run(hub.senders.find(integration.id))
            assert sender is not None
            shown = Shown(proof=Secret(KEY), origin=bytes(16))
            webhook = understand(sender, {}, json.dumps(alerts).encode(), hub.now, shown=shown)
            (answer,) = hub.commit([webhook])
            assert isinstance(answer, Accepted)
            assert len(answer.alerts) == ALERTS
            with psycopg.connect(database.url) as connection:
                found = connection.execute("SELECT external_id, (ctid::text::point)[0] FROM alerts")
                return dict(found.fetchall())

        pages = post()
        assert len(set(pages.values())) > 4
        for _ in range(3):
            hub.advance(60)
            assert post() == pages
        statuses = {row["status"] for row in hub.workspace.alerts(integration)}
        assert statuses == {"OPEN"}
