"""A message as a JSON document: the body of a webhook, and what is kept as said."""

from __future__ import annotations

from typing import Any

from tocsin.message import AlertView, Message, Named
from tocsin.model import iso, optional_iso


def document(message: Message) -> dict[str, Any]:
    """`{id, event_type, created_at, workspace, tenant, rule, alert}`; `id` is the alert
    delivery's. Tenant, rule and alert are None for a test. It holds no link and no secret."""
    rule = message.rule
    return {
        "id": str(message.id),
        "event_type": message.event_type.value,
        "created_at": iso(message.created_at),
        "workspace": _named(message.workspace),
        "tenant": None if message.tenant is None else _named(message.tenant),
        "rule": None if rule is None else {"id": str(rule.id), "name": rule.name},
        "alert": None if message.alert is None else _alert(message.alert, message.workspace),
    }


def _named(thing: Named) -> dict[str, Any]:
    return {"id": str(thing.id), "slug": thing.slug, "name": thing.name}


def _alert(alert: AlertView, workspace: Named) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "workspace_id": str(workspace.id),
        "tenant_id": str(alert.tenant_id),
        "integration_id": str(alert.integration_id),
        "title": alert.title,
        "description": alert.description,
        "severity": alert.severity.value,
        "status": alert.status.value,
        "source": alert.source,
        "external_id": alert.external_id,
        "triggered_at": iso(alert.triggered_at),
        "acknowledged_at": optional_iso(alert.acknowledged_at),
        "resolved_at": optional_iso(alert.resolved_at),
        "closed_at": optional_iso(alert.closed_at),
        "metadata": dict(alert.metadata),
        "labels": dict(alert.labels),
        "occurrence_count": alert.occurrence_count,
        "last_received_at": iso(alert.last_received_at),
        "created_at": iso(alert.created_at),
        "updated_at": iso(alert.updated_at),
    }
