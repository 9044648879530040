"""Webhooks as Cloudflare sends them about the health of an origin."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    state = "Healthy" if ended else "Unhealthy"
    policy = f"{event.number('policy'):032x}"[-32:]
    return {"User-Agent": "Go-http-client/2.0"}, {
        "name": f"Origins of {event.scene.service}",
        "text": f"{event.summary}. {event.scene.detail}",
        "data": {
            "account_name": "Example",
            "health_check_id": f"{event.number('check'):032x}"[-32:],
            "health_check_name": event.host,
            "new_health_status": state,
            "new_status": state,
            "old_status": "Unhealthy" if ended else "Healthy",
            "origin_ip": f"192.0.2.{event.n % 250 + 1}",
            "reason": "No failures" if ended else "HTTP timeout occurred",
            "status_change_time": iso(event.now if ended else event.started_at),
            "zone_name": f"{event.scene.service}.example.com",
        },
        "ts": int(event.now.timestamp()),
        "policy_id": policy,
        "policy_name": f"Origins of {event.scene.service}",
        "alert_type": "health_check_status_notification",
        "alert_correlation_id": f"{event.number('correlation'):032x}"[-32:],
        "alert_event": "ALERT_STATE_EVENT_END" if ended else "ALERT_STATE_EVENT_START",
    }
