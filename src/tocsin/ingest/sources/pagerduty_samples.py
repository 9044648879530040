"""Webhooks as PagerDuty sends them."""

from __future__ import annotations

from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    base = "https://example.pagerduty.com"
    status = {TRIGGER: "triggered", ACKNOWLEDGE: "acknowledged", RESOLVE: "resolved"}[event.kind]
    incident = f"Q{event.number('incident') % 36**8:08X}"[:14]
    urgent = event.scene.severity in ("critical", "high")

    def reference(kind: str, summary: str) -> dict[str, str]:
        identity = f"P{uuid5(NAMESPACE_URL, kind + summary).int % 10**6:06d}"
        return {
            "html_url": f"{base}/{kind}s/{identity}",
            "id": identity,
            "self": f"https://api.pagerduty.com/{kind}s/{identity}",
            "summary": summary,
            "type": f"{kind}_reference",
        }

    document = {
        "event": {
            "id": f"01{event.number(f'event-{event.kind}') % 36**12:024X}",
            "event_type": f"incident.{status}",
            "resource_type": "incident",
            "occurred_at": iso(event.now),
            "agent": None if event.kind == TRIGGER else reference("user", "Robin Okafor"),
            "client": None,
            "data": {
                "id": incident,
                "type": "incident",
                "self": f"https://api.pagerduty.com/incidents/{incident}",
                "html_url": f"{base}/incidents/{incident}",
                "number": 4000 + event.n,
                "status": status,
                "incident_key": f"{event.scene.name}/{event.host}",
                "created_at": iso(event.started_at),
                "title": event.summary,
                "service": reference("service", event.scene.service),
                "assignees": [reference("user", "Robin Okafor")],
                "escalation_policy": reference("escalation_policy", f"{event.scene.team} on call"),
                "teams": [reference("team", event.scene.team)],
                "priority": reference("priority", "P1") if urgent else None,
                "urgency": "high" if urgent else "low",
                "conference_bridge": None,
                "resolve_reason": None,
            },
        }
    }
    return {
        "User-Agent": "PagerDuty-Webhook/V3.0",
        "X-Webhook-Id": event.uuid("pagerduty"),
    }, document
