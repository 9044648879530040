"""The group of alerts that Alertmanager and Grafana send, for their samples."""

from __future__ import annotations

from typing import Any

from tocsin.ingest.sources.kit.labels_fingerprint import labels_fingerprint
from tocsin.ingest.sources.kit.sample_events import TRIGGER, SampleEvent
from tocsin.model import iso


def labels_of(event: SampleEvent) -> dict[str, str]:
    return {
        "alertname": event.scene.name,
        "instance": f"{event.host}:9100",
        "job": event.scene.service,
        "region": event.region,
        "severity": event.scene.severity,
        "shard": str(event.n),
        "team": event.scene.team,
    }


def group(event: SampleEvent, labels: dict[str, str], alert: dict[str, Any]) -> dict[str, Any]:
    firing = event.kind == TRIGGER
    shared = {"alertname": labels["alertname"], "team": event.scene.team}
    return {
        "receiver": "tocsin",
        "status": "firing" if firing else "resolved",
        "alerts": [
            {
                "status": "firing" if firing else "resolved",
                "labels": labels,
                "annotations": {
                    "summary": event.summary,
                    "description": event.scene.detail,
                    "runbook_url": f"https://runbooks.example.com/{event.scene.service}",
                },
                "startsAt": iso(event.started_at),
                "endsAt": "0001-01-01T00:00:00Z" if firing else iso(event.now),
                "fingerprint": labels_fingerprint(labels),
                **alert,
            }
        ],
        "groupLabels": shared,
        "commonLabels": labels,
        "commonAnnotations": {},
        "groupKey": f'{{}}:{{alertname="{labels["alertname"]}", team="{event.scene.team}"}}',
        "truncatedAlerts": 0,
    }
