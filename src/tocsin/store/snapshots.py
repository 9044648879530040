"""What an alert delivery says, as `alert_deliveries.payload` keeps it: the moment of planning.

A message is about an event, so it must say the alert as it stood then: "triggered" and "resolved"
tell their story in order, however late they leave. It is the document that webhook receivers get,
less the delivery's own id, so that nothing need be looked up when it is sent. Never a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tocsin.model import AlertStatus, EventType, Severity, iso, optional_iso


def named(id: UUID, name: str, slug: str | None = None) -> dict[str, Any]:
    """A workspace or tenant (with slug), or a rule (without), as messages name it."""
    document = {"id": str(id), "name": name}
    if slug is not None:
        document["slug"] = slug
    return document


def alert_snapshot(
    *,
    id: UUID,
    workspace_id: UUID,
    tenant_id: UUID,
    integration_id: UUID,
    title: str,
    description: str | None,
    severity: Severity,
    status: AlertStatus,
    source: str,
    external_id: str | None,
    triggered_at: datetime,
    acknowledged_at: datetime | None,
    resolved_at: datetime | None,
    closed_at: datetime | None,
    metadata: Mapping[str, Any],
    labels: Mapping[str, str],
    occurrence_count: int,
    last_received_at: datetime,
    created_at: datetime,
    updated_at: datetime,
) -> dict[str, Any]:
    """The alert under its column names, as JSON values; times in UTC."""
    return {
        "id": str(id),
        "workspace_id": str(workspace_id),
        "tenant_id": str(tenant_id),
        "integration_id": str(integration_id),
        "title": title,
        "description": description,
        "severity": severity.value,
        "status": status.value,
        "source": source,
        "external_id": external_id,
        "triggered_at": iso(triggered_at),
        "acknowledged_at": optional_iso(acknowledged_at),
        "resolved_at": optional_iso(resolved_at),
        "closed_at": optional_iso(closed_at),
        "metadata": dict(metadata),
        "labels": dict(labels),
        "occurrence_count": occurrence_count,
        "last_received_at": iso(last_received_at),
        "created_at": iso(created_at),
        "updated_at": iso(updated_at),
    }


def delivery_payload(
    *,
    event_type: EventType,
    created_at: datetime,
    workspace: Mapping[str, Any],
    tenant: Mapping[str, Any] | None,
    rule: Mapping[str, Any] | None,
    alert: Mapping[str, Any] | None,
    actor: str | None = None,
) -> dict[str, Any]:
    """The whole payload. `workspace`, `tenant` and `rule` are made by `named`, `alert` by
    `alert_snapshot`; the last three are None for a test. `actor` names, for people, who
    acknowledged, resolved or closed it."""
    return {
        "event_type": event_type.value,
        "created_at": iso(created_at),
        "workspace": dict(workspace),
        "tenant": None if tenant is None else dict(tenant),
        "rule": None if rule is None else dict(rule),
        "alert": None if alert is None else dict(alert),
        "actor": actor,
    }
