"""Events as a client of PagerDuty's Events API sends them, less the routing key."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_SEVERITIES: Final = {"critical": "critical", "high": "error", "warning": "warning"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one event."""
    document: dict[str, Any] = {
        "event_action": event.kind,
        "dedup_key": f"{event.scene.name}/{event.n}",
    }
    if event.kind == TRIGGER:
        document |= {
            "payload": {
                "summary": event.summary,
                "source": event.host,
                "severity": _SEVERITIES.get(event.scene.severity, "info"),
                "timestamp": event.started_at.isoformat(),
                "component": event.scene.service,
                "group": event.region,
                "custom_details": {"detail": event.scene.detail},
            },
            "client": "probe",
        }
    return {"User-Agent": "pagerduty-client"}, document
