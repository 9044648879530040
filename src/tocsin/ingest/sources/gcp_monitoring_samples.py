"""Webhooks as Google Cloud Monitoring sends them."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)

_SEVERITIES: Final = {"critical": "Critical", "high": "Error", "warning": "Warning"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    project = f"{event.scene.team}-prod"
    incident_id = f"0.{event.number('incident') % 10**12:x}"
    return {"User-Agent": "Google-Alerts"}, {
        "incident": {
            "incident_id": incident_id,
            "scoping_project_id": project,
            "scoping_project_number": event.number("project") % 10**9,
            "url": f"https://console.cloud.google.com/monitoring/alerting/incidents/{incident_id}",
            "severity": _SEVERITIES.get(event.scene.severity, "No severity"),
            "started_at": int(event.started_at.timestamp()),
            "ended_at": int(event.now.timestamp()) if ended else None,
            "state": "closed" if ended else "open",
            "resource": {
                "type": "gce_instance",
                "labels": {"instance_id": str(event.n), "zone": f"{event.region}-b"},
            },
            "resource_display_name": event.host,
            "metric": {
                "type": "compute.googleapis.com/instance/cpu/utilization",
                "displayName": "CPU utilization",
                "labels": {"instance_name": event.host},
            },
            "policy_name": event.summary,
            "policy_user_labels": {"team": event.scene.team, "service": event.scene.service},
            "condition_name": event.scene.name,
            "threshold_value": "0.9",
            "observed_value": "0.96",
            "documentation": {"content": event.scene.detail, "mime_type": "text/markdown"},
            "summary": event.summary,
        },
        "version": "1.2",
    }
