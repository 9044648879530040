"""Webhooks as Dynatrace sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, RESOLVE)

_SEVERITIES: Final = {"critical": "AVAILABILITY", "high": "ERROR", "warning": "PERFORMANCE"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    pid = f"-{event.number('problem') % 10**18}_1V2"
    return {"User-Agent": "Dynatrace"}, {
        "PID": pid,
        "ProblemID": f"P-{event.number('display') % 10**8}",
        "State": "RESOLVED" if ended else "OPEN",
        "ProblemTitle": event.summary,
        "ProblemImpact": "SERVICE",
        "ProblemSeverity": _SEVERITIES.get(event.scene.severity, "RESOURCE_CONTENTION"),
        "ProblemURL": f"https://abc12345.live.dynatrace.com/#problems/problemdetails;pid={pid}",
        "ProblemDetailsText": event.scene.detail,
        "ImpactedEntityNames": event.host,
        "ImpactedEntities": [
            {"type": "HOST", "name": event.host, "entity": f"HOST-{event.n:016X}"}
        ],
        "Tags": f"team:{event.scene.team}, {event.scene.service}",
        "ProblemDetailsJSONv2": {
            "problemId": pid,
            "status": "CLOSED" if ended else "OPEN",
            "startTime": int(event.started_at.timestamp() * 1000),
            "endTime": int(event.now.timestamp() * 1000) if ended else -1,
        },
    }
