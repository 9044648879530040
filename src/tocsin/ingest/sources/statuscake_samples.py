"""Webhooks as StatusCake sends them, the form's fields as JSON."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    is_up = event.kind == RESOLVE
    return {"User-Agent": "StatusCake"}, {
        "URL": f"https://{event.host}.example.com/health?shard={event.n}",
        "Name": event.summary,
        "StatusCode": "200" if is_up else "503",
        "Status": "Up" if is_up else "Down",
        "IP": "192.0.2.10",
        "Tags": f"team:{event.scene.team},severity:{event.scene.severity}",
        "Checkrate": "60",
        "Method": "Website",
    }
