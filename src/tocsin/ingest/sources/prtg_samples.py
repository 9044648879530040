"""Webhooks as PRTG sends them by the payload of our documentation."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_STATUSES: Final = {
    TRIGGER: "Down",
    ACKNOWLEDGE: "Down (Acknowledged)",
    RESOLVE: "Down ended (now: Up)",
}
_STARS: Final = {"critical": "*****", "high": "****", "warning": "***", "low": "**"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    number = event.number("sensor") % 10**5
    return {"User-Agent": "Mozilla/5.0 (compatible; PRTG Network Monitor)"}, {
        "sensorid": str(number),
        "deviceid": str(event.number("device") % 10**5),
        "status": _STATUSES[event.kind],
        "priority": _STARS.get(event.scene.severity, "*"),
        "device": event.host,
        "name": event.scene.name,
        "group": event.scene.team,
        "probe": "Local Probe",
        "host": f"192.0.2.{event.n % 250 + 1}",
        "lastvalue": f"{event.n % 100} %",
        "linksensor": f"https://prtg.example.com/sensor.htm?id={number}",
        "message": event.scene.detail,
    }
