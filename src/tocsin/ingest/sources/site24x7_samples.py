"""Webhooks as Site24x7 sends them about a website."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)

_STATUSES: Final = {"critical": "DOWN", "high": "CRITICAL"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    at = event.now if ended else event.started_at
    number = 107_164_000_000_000_000 + event.number("monitor") % 10**9
    return {"User-Agent": "Site24x7"}, {
        "MONITOR_DASHBOARD_LINK": f"https://www.site24x7.com/app/client#/home/monitors/{number}",
        "MONITORTYPE": "URL",
        "MONITOR_ID": number,
        "STATUS": "UP" if ended else _STATUSES.get(event.scene.severity, "TROUBLE"),
        "MONITORNAME": event.summary,
        "FAILED_LOCATIONS": "London-UK,Oslo-NO",
        "INCIDENT_REASON": event.scene.detail,
        "OUTAGE_TIME_UNIX_FORMAT": str(int(at.timestamp() * 1000)),
        "TAGS": [f"team:{event.scene.team}"],
        "MONITORURL": f"https://{event.host}.example.com",
        "MONITOR_GROUPNAME": event.scene.service,
        "POLLFREQUENCY": 1,
        "INCIDENT_TIME": f"{at:%d %b %Y %H:%M:%S} UTC",
        "INCIDENT_TIME_ISO": f"{at:%Y-%m-%dT%H:%M:%S}+0000",
    }
