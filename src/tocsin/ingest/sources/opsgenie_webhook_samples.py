"""Webhooks as Opsgenie sends them."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_ACTIONS: Final = {TRIGGER: "Create", ACKNOWLEDGE: "Acknowledge", RESOLVE: "Close"}
_PRIORITIES: Final = {"critical": "P1", "high": "P2", "warning": "P3", "low": "P4"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    identity = UUID(int=event.number("alert"))
    started = int(event.started_at.timestamp() * 1000)
    return {"User-Agent": "OpsGenie"}, {
        "source": {"name": "", "type": "api"},
        "alert": {
            "tags": ["prod", f"service:{event.scene.service}"],
            "alertId": str(identity),
            "username": "ada@example.com",
            "alias": f"{event.scene.name}/{event.n}",
            "tinyId": str(event.n),
            "createdAt": started,
            "updatedAt": int(event.now.timestamp() * 1_000_000_000),
            "entity": event.host,
            "message": event.summary,
            "description": event.scene.detail,
            "details": {"region": event.region},
            "team": event.scene.team,
            "priority": _PRIORITIES.get(event.scene.severity, "P5"),
        },
        "action": _ACTIONS[event.kind],
        "integrationId": str(UUID(int=event.number("integration"))),
        "integrationName": "Tocsin",
        "integrationType": "Webhook",
    }
