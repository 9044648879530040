"""Alerts that a job posts itself, to the integration of its heartbeat."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    return {"User-Agent": "curl/8.5.0"}, {
        "title": event.summary,
        "description": event.scene.detail,
        "severity": event.scene.severity,
        "status": "resolved" if event.kind == RESOLVE else "firing",
        "external_id": f"{event.scene.name}/{event.n}",
        "timestamp": iso(event.now),
        "triggered_at": iso(event.started_at),
        "labels": {"host": event.host, "team": event.scene.team},
    }
