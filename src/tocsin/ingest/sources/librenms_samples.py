"""Webhooks as LibreNMS sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_STATES: Final = {RESOLVE: "0", TRIGGER: "1", ACKNOWLEDGE: "2"}
_SEVERITIES: Final = {"critical": "critical", "high": "critical"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    at = event.started_at if event.kind == TRIGGER else event.now
    return {"User-Agent": "LibreNMS"}, {
        "id": str(event.number("alert") % 10**7),
        "uid": str(event.number(f"log:{event.kind}") % 10**7),
        "state": _STATES[event.kind],
        "severity": _SEVERITIES.get(event.scene.severity, "warning"),
        "name": event.scene.name,
        "title": f"Alert for device {event.host} - {event.scene.name}",
        "hostname": event.host,
        "ip": f"192.0.2.{event.n % 250 + 1}",
        "os": "linux",
        "type": "server",
        "location": event.region,
        "timestamp": f"{at:%Y-%m-%d %H:%M:%S}",
        "proc": f"https://runbooks.example.com/{event.scene.service}",
        "msg": event.scene.detail,
    }
