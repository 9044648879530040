"""Requests to Opsgenie's Alert API, as they are put on record."""

from __future__ import annotations

from typing import Any, Final

from tocsin.ingest.sources.kit.sample_events import ACKNOWLEDGE, RESOLVE, TRIGGER, SampleEvent

KINDS: Final = (TRIGGER, ACKNOWLEDGE, RESOLVE)

_ACTIONS: Final = {ACKNOWLEDGE: "acknowledge", RESOLVE: "close"}
_PRIORITIES: Final = {"critical": "P1", "high": "P2", "warning": "P3"}


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one request."""
    headers = {"User-Agent": "opsgenie-go-sdk"}
    alias = f"{event.scene.name}/{event.n}"
    if event.kind != TRIGGER:
        action = _ACTIONS[event.kind]
        return headers, {"action": action, "alias": alias, "body": {"source": "probe"}}
    return headers, {
        "message": event.summary,
        "alias": alias,
        "description": event.scene.detail,
        "entity": event.host,
        "tags": [f"service:{event.scene.service}", "prod"],
        "details": {"region": event.region},
        "priority": _PRIORITIES.get(event.scene.severity, "P4"),
        "source": "probe",
    }
