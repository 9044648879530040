"""Webhooks as a Netdata Agent sends them by the function of our documentation."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)

_STATUSES: Final = {"critical": "CRITICAL", "high": "CRITICAL"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    raised = _STATUSES.get(event.scene.severity, "WARNING")
    return {"User-Agent": "curl/8.14.1"}, {
        "host": event.host,
        "unique_id": str(event.number(f"event:{event.kind}") % 10**9),
        "alarm_id": str(event.number("alarm") % 10**9),
        "event_id": "2" if ended else "1",
        "when": str(int(event.now.timestamp() if ended else event.started_at.timestamp())),
        "name": event.scene.name.lower(),
        "chart": f"{event.scene.service}.{event.n}",
        "status": "CLEAR" if ended else raised,
        "old_status": raised if ended else "CLEAR",
        "value_string": f"{40 + event.n % 50}%",
        "duration": "240",
        "info": event.scene.detail,
        "roles": event.scene.team,
        "goto_url": f"https://app.netdata.cloud/spaces/example/alerts/{event.n}",
    }
