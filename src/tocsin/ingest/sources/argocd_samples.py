"""Webhooks as Argo CD sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    name = f"{event.scene.service}-{event.n}"
    return {"User-Agent": "Go-http-client/2.0"}, {
        "time": iso(event.now if ended else event.started_at),
        "application": name,
        "application_namespace": "argocd",
        "project": event.scene.team,
        "labels": {"severity": event.scene.severity},
        "destination": "https://kubernetes.default.svc",
        "namespace": event.scene.service,
        "health": "Healthy" if ended else "Degraded",
        "sync": "Synced",
        "operation": "Succeeded",
        "operation_message": "successfully synced (all tasks run)",
        "revision": f"{event.number('sha'):040x}"[-40:],
        "url": f"https://argocd.example.com/applications/{name}",
    }
