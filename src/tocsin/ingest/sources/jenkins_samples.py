"""Webhooks as the Notification plugin of Jenkins sends them."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    path = f"job/{event.scene.team}/job/{event.scene.service}-{event.n}/"
    number = event.number(f"build:{event.kind}") % 10**4
    return {"User-Agent": "Java/21.0.4"}, {
        "name": f"{event.scene.service}-{event.n}",
        "display_name": event.scene.service,
        "url": path,
        "build": {
            "full_url": f"https://jenkins.example.com/{path}{number}/",
            "number": number,
            "queue_id": event.n,
            "timestamp": int(event.now.timestamp() * 1000),
            "duration": 184_000,
            "phase": "FINALIZED",
            "status": "SUCCESS" if event.kind == RESOLVE else "FAILURE",
            "url": f"{path}{number}/",
            "scm": {
                "url": f"https://git.example.com/{event.scene.service}.git",
                "branch": "origin/main",
                "commit": f"{event.number('sha'):040x}"[-40:],
                "changes": [],
                "culprits": ["ada"],
            },
            "log": event.scene.detail,
            "notes": "",
            "artifacts": {},
        },
    }
