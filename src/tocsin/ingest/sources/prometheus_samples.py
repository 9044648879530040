"""Alerts as Prometheus posts them to an Alertmanager."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one post."""
    ends = event.now if event.kind == RESOLVE else event.now + timedelta(minutes=4)
    return {"User-Agent": "Prometheus/3.5.0"}, [
        {
            "labels": {
                "alertname": event.scene.name,
                "instance": event.host,
                "job": event.scene.service,
                "n": str(event.n),
                "severity": event.scene.severity,
            },
            "annotations": {"summary": event.summary, "description": event.scene.detail},
            "startsAt": event.started_at.isoformat(),
            "endsAt": ends.isoformat(),
            "generatorURL": "https://prometheus.example.com/graph?g0.expr=up",
        }
    ]
