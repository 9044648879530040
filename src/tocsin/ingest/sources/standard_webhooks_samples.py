"""Webhooks of any sender that follows Standard Webhooks."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    status = {TRIGGER: "triggered", ACKNOWLEDGE: "acknowledged", RESOLVE: "resolved"}[event.kind]
    document = {
        "type": f"alert.{status}",
        "timestamp": iso(event.now),
        "data": {
            "id": f"alrt_{event.number('alert') % 36**10:x}",
            "title": event.summary,
            "description": event.scene.detail,
            "severity": event.scene.severity,
            "started_at": iso(event.started_at),
            "labels": {
                "host": event.host,
                "service": event.scene.service,
                "team": event.scene.team,
            },
        },
    }
    return {"User-Agent": "svix-webhooks/1.62"}, document
