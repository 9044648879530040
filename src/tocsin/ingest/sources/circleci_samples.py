"""Webhooks as CircleCI sends them about a workflow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    slug = f"github/example/{event.scene.service}"
    number = event.number(f"pipeline:{event.kind}") % 10**5
    repository = f"https://github.com/example/{event.scene.service}"
    headers = {
        "User-Agent": "CircleCI-Webhook/1.0",
        "circleci-event-type": "workflow-completed",
    }
    return headers, {
        "id": event.uuid("delivery"),
        "type": "workflow-completed",
        "happened_at": iso(event.now),
        "webhook": {"id": str(UUID(int=event.number("webhook"))), "name": "Tocsin"},
        "project": {"id": "p1", "name": event.scene.service, "slug": slug},
        "organization": {"id": "o1", "name": "example"},
        "workflow": {
            "id": event.uuid("workflow"),
            "name": f"build-{event.n}",
            "status": "success" if event.kind == RESOLVE else "failed",
            "created_at": iso(event.now - timedelta(minutes=4)),
            "stopped_at": iso(event.now),
            "url": f"https://app.circleci.com/pipelines/{slug}/{number}",
        },
        "pipeline": {
            "id": event.uuid("pipeline"),
            "number": number,
            "created_at": iso(event.now - timedelta(minutes=4)),
            "trigger": {"type": "webhook"},
            "vcs": {
                "provider_name": "github",
                "origin_repository_url": repository,
                "target_repository_url": repository,
                "revision": f"{event.number('sha'):040x}"[-40:],
                "commit": {"subject": f"Raise the limits of {event.scene.service}"},
                "branch": "main",
            },
        },
    }
