"""Webhooks as Kibana sends them by the template of our documentation."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, RESOLVE)


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    rule = str(UUID(int=event.number("rule")))
    return {"User-Agent": "axios/1.13.2"}, {
        "rule_id": rule,
        "rule_name": event.summary,
        "rule_type": "observability.rules.custom_threshold",
        "rule_tags": f"prod,team:{event.scene.team},service:{event.scene.service}",
        "rule_url": f"https://kibana.example.com/app/observability/alerts/rules/{rule}",
        "space_id": "default",
        "alert_id": event.host,
        "alert_uuid": str(UUID(int=event.number("alert"))),
        "action_group": "recovered" if ended else "custom_threshold.fired",
        "action_group_name": "Recovered" if ended else "Alert",
        "flapping": "false",
        "date": iso(event.now),
        "reason": "" if ended else event.scene.detail,
        "severity": event.scene.severity,
    }
