"""Webhooks as GitLab sends them about an incident."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_ACTIONS: Final = {TRIGGER: "open", ACKNOWLEDGE: "update", RESOLVE: "close"}
_STATES: Final = {TRIGGER: "triggered", ACKNOWLEDGE: "acknowledged", RESOLVE: "resolved"}
_SEVERITIES: Final = {"critical": "critical", "high": "high", "warning": "medium"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    headers = {
        "User-Agent": "GitLab/18.5.0",
        "X-Gitlab-Event": "Issue Hook",
        "X-Gitlab-Instance": "https://gitlab.example.com",
        "Idempotency-Key": event.uuid("delivery"),
    }
    path = f"{event.scene.team}/{event.scene.service}"
    return headers, {
        "object_kind": "issue",
        "event_type": "issue",
        "user": {"name": "Ada Example", "username": "ada"},
        "project": {"id": 1, "name": event.scene.service, "path_with_namespace": path},
        "object_attributes": {
            "iid": event.number("issue") % 10**6,
            "type": "Incident",
            "title": event.summary,
            "description": event.scene.detail,
            "severity": _SEVERITIES.get(event.scene.severity, "low"),
            "state": "closed" if event.kind == RESOLVE else "opened",
            "action": _ACTIONS[event.kind],
            "escalation_status": _STATES[event.kind],
            "created_at": iso(event.started_at),
            "updated_at": iso(event.now),
            "url": f"https://gitlab.example.com/{path}/-/issues/{event.n}",
        },
        "labels": [{"title": f"team::{event.scene.team}"}],
    }
