"""Webhooks as a script of one's own may send them."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    status = {TRIGGER: "firing", ACKNOWLEDGE: "acknowledged", RESOLVE: "resolved"}[event.kind]
    document = {
        "title": event.summary,
        "description": event.scene.detail,
        "severity": event.scene.severity,
        "status": status,
        "id": f"{event.scene.name}/{event.host}/{event.n}",
        "timestamp": iso(event.now),
        "triggered_at": iso(event.started_at),
        "labels": {
            "host": event.host,
            "service": event.scene.service,
            "team": event.scene.team,
            "region": event.region,
        },
        "runbook": f"https://runbooks.example.com/{event.scene.service}/{event.scene.name}",
        "value": 90 + event.n % 10,
        "dashboard": f"https://dashboards.example.com/d/{event.scene.service}?var-host={event.host}",
    }
    return {"User-Agent": "watchman/2.3", "X-Delivery-Id": event.uuid("generic")}, document
