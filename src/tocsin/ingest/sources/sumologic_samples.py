"""Webhooks as Sumo Logic sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    at = event.now if ended else event.started_at
    level = "Critical" if event.scene.severity in ("critical", "high") else "Warning"
    number = f"{event.number('monitor') % 16**16:016X}"
    return {"User-Agent": "SumoLogic"}, {
        "id": number,
        "name": event.summary,
        "description": event.scene.detail,
        "monitor_type": "Logs",
        "trigger_type": f"Resolved{level}" if ended else level,
        "trigger_condition": "Greater than or equal to 1.0 in the last 15 minutes",
        "trigger_value": str(event.n),
        "trigger_time_start": str(int(at.timestamp() * 1000) - 900_000),
        "trigger_time_end": str(int(at.timestamp() * 1000)),
        "alert_response_url": f"https://service.sumologic.com/ui/#/alert/{number}",
        "query_url": f"https://service.sumologic.com/ui/#/search/{event.n}",
    }
