"""Alerts and webhook deliveries put straight into the database, for what only reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from tests.api.conftest import Hub
from tocsin.model import uuid7

FIRED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FAR = datetime(2036, 3, 1, 12, 0, tzinfo=UTC)


def integration(hub: Hub, name: str = "shop", **columns: Any) -> dict[str, Any]:
    return hub.admin.made("/integrations", {"name": name, "type": "generic", **columns})


def alert(
    hub: Hub,
    sender: dict[str, Any],
    title: str = "Disk full",
    *,
    severity: str = "HIGH",
    status: str = "OPEN",
    fired: datetime = FIRED,
    labels: dict[str, str] | None = None,
    external_id: str | None = None,
) -> UUID:
    """One alert with the first line of its timeline."""
    alert_id = uuid7()
    hub.sql(
        "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status,"
        " source, external_id, triggered_at, labels, metadata, last_received_at, last_signal_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '{\"page\": 1}', %s, %s)",
        alert_id,
        sender["workspace_id"],
        sender["tenant_id"],
        sender["id"],
        title,
        severity,
        status,
        sender["name"],
        external_id,
        fired,
        json.dumps(labels or {}),
        fired,
        fired,
    )
    event(hub, alert_id, "triggered", at=fired)
    return alert_id


def alerts(
    sql: Callable[..., object], sender: dict[str, Any], count: int, host: str = "db-1"
) -> None:
    """Many that are open, of one host; without timelines."""
    sql(
        "INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, source,"
        " external_id, triggered_at, labels, last_received_at, last_signal_at)"
        " SELECT gen_random_uuid(), %s, %s, %s, 'Disk full ' || n, 'HIGH', 'shop', %s || n, now(),"
        " jsonb_build_object('host', %s::text), now(), now() FROM generate_series(1, %s) AS n",
        sender["workspace_id"],
        sender["tenant_id"],
        sender["id"],
        host,
        host,
        count,
    )


@contextmanager
def held(connect: Callable[[], psycopg.Connection[Any]], alert_id: UUID) -> Iterator[None]:
    """While it is entered, nobody gets past this alert."""
    with connect() as connection, connection.transaction():
        connection.execute("SELECT FROM alerts WHERE id = %s FOR UPDATE", [alert_id])
        yield


def escalation(hub: Hub, alert_id: UUID, policy: dict[str, Any], rule: dict[str, Any]) -> UUID:
    """One that has taken its first step and waits."""
    escalation_id = uuid7()
    hub.sql(
        "INSERT INTO escalations (id, workspace_id, alert_id, escalation_policy_id, policy_version,"
        " alert_rule_id, step, step_due_at, next_at, started_at, updated_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, 0, %s, %s, now(), now())",
        escalation_id,
        policy["workspace_id"],
        alert_id,
        policy["id"],
        policy["version"],
        rule["id"],
        FAR,
        FAR,
    )
    return escalation_id


def event(
    hub: Hub,
    alert_id: UUID,
    kind: str,
    *,
    at: datetime = FIRED,
    webhook_delivery_id: UUID | None = None,
) -> None:
    hub.sql(
        "INSERT INTO alert_events (id, alert_id, kind, at, actor, webhook_delivery_id)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        uuid7(),
        alert_id,
        kind,
        at,
        json.dumps({"kind": "source", "name": "shop"}),
        webhook_delivery_id,
    )


def webhook_delivery(
    hub: Hub,
    sender: dict[str, Any],
    body: str = '{"title": "Disk full"}',
    *,
    outcome: str = "created",
    status_code: int = 201,
    alert_id: UUID | None = None,
    created: datetime = FIRED + timedelta(seconds=1),
) -> UUID:
    delivery_id = uuid7()
    hub.sql(
        "INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload,"
        " headers, status_code, outcome, processed_at, alert_id, created_at)"
        " VALUES (%s, %s, 'f00d', %s::json, %s, %s, %s, %s, %s, %s)",
        delivery_id,
        sender["id"],
        body,
        json.dumps({"user-agent": "shop/1", "x-webhook-signature": "[redacted]"}),
        status_code,
        outcome,
        created,
        alert_id,
        created,
    )
    return delivery_id


def alert_delivery(
    hub: Hub,
    destination: dict[str, Any],
    alert_id: UUID,
    *,
    status: str = "failed",
    reason: str = "rule",
    updated: datetime = FIRED,
    rule_id: UUID | None = None,
) -> UUID:
    """A message that was made, of some rule (its own, unless one is given), with one attempt."""
    delivery_id = uuid7()
    if rule_id is None:
        rule_id = uuid7()
        hub.sql(
            "INSERT INTO alert_rules (id, workspace_id, name, is_enabled, event_types,"
            " destination_ids, deleted_at)"
            " SELECT %s, workspace_id, 'some rule', false, '{}', '{}', now() FROM alerts WHERE id = %s",
            rule_id,
            alert_id,
        )
    hub.sql(
        "INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id,"
        " alert_destination_id, alert_id, event_type, status, payload, reason, attempt_count,"
        " last_error_code, created_at, updated_at)"
        " SELECT %s, a.workspace_id, a.tenant_id, %s, %s, a.id, 'alerts.triggered', %s, '{}', %s,"
        " 1, 'timeout', %s, %s FROM alerts a WHERE a.id = %s",
        delivery_id,
        rule_id,
        destination["id"],
        status,
        reason,
        updated,
        updated,
        alert_id,
    )
    hub.sql(
        "INSERT INTO alert_delivery_attempts (alert_delivery_id, number, started_at, duration_ms,"
        " outcome, error_code) VALUES (%s, 1, %s, 12, 'retry', 'timeout')",
        delivery_id,
        updated,
    )
    return delivery_id


def member(hub: Hub, workspace_id: UUID, name: str = "Ann", role: str = "responder") -> str:
    """A person of the workspace; the id."""
    user_id = uuid7()
    hub.sql(
        "INSERT INTO users (id, email, name) VALUES (%s, %s, %s)",
        user_id,
        f"{name.lower()}-{user_id}@example.org",
        name,
    )
    hub.sql(
        "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, %s)",
        user_id,
        workspace_id,
        role,
    )
    return str(user_id)


def contact_method(hub: Hub, workspace_id: UUID, user_id: str) -> str:
    """One by which this person can be reached; the id."""
    id = uuid7()
    hub.sql(
        "INSERT INTO alert_destinations (id, workspace_id, user_id, name, type, config, verified_at)"
        " VALUES (%s, %s, %s, 'mail', 'email', %s, now())",
        id,
        workspace_id,
        user_id,
        json.dumps({"recipients": ["second@example.org"]}),
    )
    return str(id)


def schedule(name: str, *users: str, **more: Any) -> dict[str, Any]:
    """The body of a schedule on which these take turns, a day each, from long ago."""
    rotation = {"unit": "daily", "handoff_time": "09:00", "starts_on": "2026-01-05"}
    layer = {"name": "Primary", "rotation": rotation, "participants": [[user] for user in users]}
    return {"name": name, "timezone": "UTC", "layers": [layer | more.pop("layer", {})], **more}
