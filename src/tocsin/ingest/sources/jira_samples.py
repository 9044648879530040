"""Webhooks as Jira Cloud sends them about an issue."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_STATUSES: Final = {
    TRIGGER: ("To Do", "new"),
    ACKNOWLEDGE: ("In Progress", "indeterminate"),
    RESOLVE: ("Done", "done"),
}
_PRIORITIES: Final = {
    "critical": ("Highest", "1"),
    "high": ("High", "2"),
    "warning": ("Medium", "3"),
}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    number = str(10_000 + event.n)
    key = f"OPS-{event.n + 1}"
    status, category = _STATUSES[event.kind]
    priority, priority_number = _PRIORITIES.get(event.scene.severity, ("Low", "4"))
    is_new = event.kind == TRIGGER
    headers = {
        "User-Agent": "Atlassian Webhook HTTP Client",
        "X-Atlassian-Webhook-Identifier": event.uuid("delivery"),
    }
    changes = [{"field": "status", "fieldtype": "jira", "fromString": "To Do", "toString": status}]
    return headers, {
        "timestamp": int(event.now.timestamp() * 1000),
        "webhookEvent": "jira:issue_created" if is_new else "jira:issue_updated",
        "user": {"displayName": "Ada Example"},
        "issue": {
            "id": number,
            "key": key,
            "self": f"https://example.atlassian.net/rest/api/2/issue/{number}",
            "fields": {
                "summary": event.summary,
                "description": event.scene.detail,
                "issuetype": {"name": "Incident"},
                "project": {"key": "OPS", "name": "Operations"},
                "priority": {"name": priority, "id": priority_number},
                "status": {"name": status, "statusCategory": {"key": category}},
                "labels": [f"team:{event.scene.team}"],
                "components": [{"name": event.scene.service}],
                "created": f"{event.started_at:%Y-%m-%dT%H:%M:%S}.000+0000",
            },
        },
        "changelog": {"items": [] if is_new else changes},
    }
