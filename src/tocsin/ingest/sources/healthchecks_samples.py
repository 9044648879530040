"""Webhooks as Healthchecks sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    status = "up" if event.kind == RESOLVE else "down"
    code = str(UUID(int=event.number("check")))
    return {"User-Agent": "healthchecks.io"}, {
        "code": code,
        "status": status,
        "now": event.now.replace(microsecond=0).isoformat(),
        "check": {
            "name": event.summary,
            "slug": event.scene.name.lower(),
            "tags": f"team:{event.scene.team} severity:{event.scene.severity}",
            "desc": event.scene.detail,
            "grace": 3600,
            "n_pings": 42,
            "status": status,
            "last_ping": event.started_at.replace(microsecond=0).isoformat(),
            "uuid": code,
            "timeout": 86400,
        },
    }
