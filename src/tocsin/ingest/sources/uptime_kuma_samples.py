"""Webhooks as Uptime Kuma sends them."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    is_up = event.kind == RESOLVE
    monitor = event.number("monitor") % 10**6
    message = "200 - OK" if is_up else event.scene.detail
    state = "✅ Up" if is_up else "🔴 Down"
    return {"User-Agent": "Uptime-Kuma/2.0.2"}, {
        "heartbeat": {
            "monitorID": monitor,
            "status": 1 if is_up else 0,
            "time": f"{event.now:%Y-%m-%d %H:%M:%S}.{event.now.microsecond // 1000:03}",
            "msg": message,
            "ping": 21 if is_up else None,
            "important": True,
            "retries": 1,
            "timezone": "Europe/Oslo",
        },
        "monitor": {
            "id": monitor,
            "name": event.summary,
            "url": f"https://{event.host}.example.com/health",
            "hostname": event.host,
            "type": "http",
            "interval": 60,
            "tags": [
                {"tag_id": 1, "name": "team", "value": event.scene.team},
                {"tag_id": 2, "name": "severity", "value": event.scene.severity},
            ],
        },
        "msg": f"[{event.summary}] [{state}] {message}",
    }
