"""Webhooks as Sentry sends them about an issue."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_ACTIONS: Final = {TRIGGER: "created", ACKNOWLEDGE: "assigned", RESOLVE: "resolved"}
_LEVELS: Final = {"critical": "fatal", "high": "error", "warning": "warning"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    headers = {
        "User-Agent": "Sentry/1.0",
        "Sentry-Hook-Resource": "issue",
        "Sentry-Hook-Timestamp": str(int(event.now.timestamp())),
        "Request-ID": event.uuid("request").replace("-", ""),
    }
    return headers, {
        "action": _ACTIONS[event.kind],
        "actor": {"id": "sentry", "name": "Sentry", "type": "application"},
        "data": {
            "issue": {
                "id": str(event.number("issue") % 10**10),
                "shortId": f"{event.scene.service.upper()}-{event.n}",
                "title": f"{event.scene.name}: {event.summary}",
                "culprit": event.scene.detail,
                "level": _LEVELS.get(event.scene.severity, "info"),
                "status": "resolved" if ended else "unresolved",
                "firstSeen": iso(event.started_at),
                "lastSeen": iso(event.now),
                "count": "1",
                "userCount": 1,
                "platform": "python",
                "project": {"id": "1", "name": event.scene.service, "slug": event.scene.service},
            }
        },
        "installation": {"uuid": event.uuid("installation")},
    }
