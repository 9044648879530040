"""Webhooks as New Relic sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_PRIORITIES: Final = {"critical": "CRITICAL", "high": "HIGH", "warning": "MEDIUM"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    acknowledged = event.kind == ACKNOWLEDGE
    ended = event.kind == RESOLVE
    issue = str(UUID(int=event.number("issue")))
    now = int(event.now.timestamp() * 1000)
    return {"User-Agent": "NewRelic/1.0"}, {
        "id": issue,
        "issueUrl": f"https://radar-api.service.newrelic.com/accounts/1/issues/{issue}",
        "title": event.summary,
        "description": [event.scene.detail],
        "priority": _PRIORITIES.get(event.scene.severity, "LOW"),
        "impactedEntities": [event.host],
        "totalIncidents": 1,
        "state": "CLOSED" if ended else "ACTIVATED",
        "trigger": "INCIDENT_CLOSED" if ended else "STATE_CHANGE",
        "isCorrelated": False,
        "createdAt": int(event.started_at.timestamp() * 1000),
        "updatedAt": now,
        "acknowledgedAt": now if acknowledged else None,
        "acknowledgedBy": "Ada Example" if acknowledged else None,
        "sources": ["newrelic"],
        "alertPolicyNames": [event.scene.team],
        "alertConditionNames": [event.scene.name],
        "workflowName": "tocsin",
    }
