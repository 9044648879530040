"""Webhooks as Azure Monitor sends them by the common alert schema."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from tocsin.ingest.sources.kit.sample_events import RESOLVE, TRIGGER, SampleEvent
from tocsin.model import iso

KINDS: Final = (TRIGGER, RESOLVE)

_SEVERITIES: Final = {"critical": "Sev0", "high": "Sev1", "warning": "Sev2", "low": "Sev3"}
_SUBSCRIPTION: Final = "/subscriptions/00000000-0000-0000-0000-000000000000"


def sample(event: SampleEvent) -> tuple[dict[str, str], Any]:
    """Headers and document of one webhook."""
    ended = event.kind == RESOLVE
    group = f"{_SUBSCRIPTION}/resourceGroups/{event.scene.team}"
    essentials = {
        "alertId": f"{_SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/"
        f"{UUID(int=event.number('alert'))}",
        "alertRule": event.summary,
        "alertRuleId": f"{group}/providers/microsoft.insights/metricAlerts/{event.scene.name}",
        "severity": _SEVERITIES.get(event.scene.severity, "Sev4"),
        "signalType": "Metric",
        "monitorCondition": "Resolved" if ended else "Fired",
        "monitoringService": "Platform",
        "alertTargetIDs": [f"{group}/providers/microsoft.compute/virtualmachines/{event.host}"],
        "configurationItems": [event.host],
        "firedDateTime": iso(event.started_at),
        "description": event.scene.detail,
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    if ended:
        essentials["resolvedDateTime"] = iso(event.now)
    return {"User-Agent": "IcMBroadcaster/1.0"}, {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": essentials,
            "alertContext": {"properties": None, "conditionType": "MultipleResourceMetric"},
            "customProperties": {"team": event.scene.team, "service": event.scene.service},
        },
    }
