"""Webhooks as UptimeRobot sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    is_up = event.kind == RESOLVE
    duration = str(int((event.now - event.started_at).total_seconds()))
    return {"User-Agent": "UptimeRobot/2.0"}, {
        "monitorID": str(event.number("monitor") % 10**9),
        "monitorURL": f"https://{event.host}.example.com/health",
        "monitorFriendlyName": event.summary,
        "alertType": "2" if is_up else "1",
        "alertTypeFriendlyName": "Up" if is_up else "Down",
        "alertDetails": "HTTP 200 - OK" if is_up else event.scene.detail,
        "alertDuration": duration if is_up else "*alertDuration*",
        "alertDateTime": str(int(event.now.timestamp())),
    }
