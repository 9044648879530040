"""What is pending for the receiver: its destination and rule, rows planned beforehand, and past ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg

from bench import webhooks
from bench.installation import Installation
from bench.seed import PAST_IDS, fill_tables
from tocsin.access.vault import Vault
from tocsin.delivery.channels.registry import ValidConfig, split_secrets, validate_config
from tocsin.message import AlertView, Content, Named, encode
from tocsin.model import AlertStatus, EventType, Secret, Severity, uuid7

_AT = datetime(2026, 11, 21, 21, 4, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Audience:
    """One webhook destination, notified of every alert that triggers."""

    installation: Installation
    destination_id: UUID
    rule_id: UUID


def subscribe(installation: Installation, url: str) -> Audience:
    valid = validate_config("webhook", {"url": url})
    assert isinstance(valid, ValidConfig)
    parts = split_secrets(valid)
    audience = Audience(installation, uuid7(), uuid7())
    with psycopg.connect(installation.url) as connection:
        connection.execute(
            "INSERT INTO alert_destinations (id, workspace_id, name, type, config, secret_config)"
            " VALUES (%s, %s, 'receiver', 'webhook', %s, %s)",
            (
                audience.destination_id,
                installation.workspace_id,
                json.dumps(parts.public),
                Vault([installation.key]).seal(Secret(json.dumps(parts.secret))),
            ),
        )
        connection.execute(
            "INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)"
            " VALUES (%s, %s, 'everything', ARRAY['alerts.triggered'], ARRAY[%s::uuid])",
            (audience.rule_id, installation.workspace_id, audience.destination_id),
        )
    return audience


_PENDING = """
WITH alert AS (
    INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, source,
        triggered_at, last_received_at, last_signal_at)
    SELECT uuidv7(), %(workspace)s, %(tenant)s, %(integration)s, 'planned', 'CRITICAL', 'bench', now(),
           now(), now()
    FROM generate_series(1, %(count)s)
    RETURNING id
)
INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id, alert_destination_id,
    alert_id, event_type, status, payload, reason)
SELECT uuidv7(), %(workspace)s, %(tenant)s, %(rule)s, %(destination)s, id, 'alerts.triggered',
       'queued', %(payload)s, 'rule'
FROM alert
"""

_PAST = f"""{PAST_IDS}, alerts AS (
    INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, status, source,
        triggered_at, resolved_at, last_received_at, last_signal_at)
    SELECT alert, %(workspace)s, %(tenant)s, %(integration)s, 'past', 'CRITICAL', 'RESOLVED', 'bench',
           at, at, at, at
    FROM ids
), attempts AS (
    INSERT INTO alert_delivery_attempts (alert_delivery_id, number, started_at, duration_ms, outcome,
        http_status)
    SELECT delivery, 1, at, 12, 'sent', 200 FROM ids
)
INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id, alert_destination_id,
    alert_id, event_type, status, sent_at, attempt_count, payload, reason, give_up_at, created_at,
    updated_at)
SELECT delivery, %(workspace)s, %(tenant)s, %(rule)s, %(destination)s, alert, 'alerts.triggered',
       'sent', at, 1, %(payload)s, 'rule', at + interval '1 day', at, at
FROM ids
"""


def plan(audience: Audience, count: int) -> None:
    """`count` messages, each for an alert of its own, due now and attempted by nobody."""
    with psycopg.connect(audience.installation.url) as connection:
        connection.execute(_PENDING, {**_values(audience), "count": count})
    with psycopg.connect(audience.installation.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE alert_deliveries")


def fill(audience: Audience, count: int) -> None:
    """`count` messages that were sent in the past, each with its attempt."""
    tables = ("alerts", "alert_deliveries", "alert_delivery_attempts")
    fill_tables(audience.installation.url, tables, _PAST, _values(audience), count)


def unsent(audience: Audience) -> int:
    """Messages not on record as sent at their first attempt."""
    with psycopg.connect(audience.installation.url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM alert_deliveries WHERE status <> 'sent' OR attempt_count <> 1"
        ).fetchone()
    assert found is not None
    return int(found[0])


def _values(audience: Audience) -> dict[str, Any]:
    installation = audience.installation
    return {
        "workspace": installation.workspace_id,
        "tenant": installation.tenant_id,
        "integration": installation.integration_id,
        "rule": audience.rule_id,
        "destination": audience.destination_id,
        "payload": encode(_payload(audience)).decode(),
    }


def _payload(audience: Audience) -> Content:
    """What ingest makes of `webhooks.body`."""
    installation, sent = audience.installation, json.loads(webhooks.body(1, "planned"))
    return Content(
        event_type=EventType.TRIGGERED,
        created_at=_AT,
        workspace=Named(installation.workspace_id, "Default", "default"),
        tenant=Named(installation.tenant_id, "Default", "default"),
        rule=Named(audience.rule_id, "everything"),
        actor=None,
        alert=AlertView(
            id=uuid7(),
            workspace_id=installation.workspace_id,
            tenant_id=installation.tenant_id,
            integration_id=installation.integration_id,
            title=sent["title"],
            description=sent["description"],
            severity=Severity.CRITICAL,
            status=AlertStatus.OPEN,
            source="bench",
            external_id=sent["id"],
            triggered_at=_AT,
            acknowledged_at=None,
            resolved_at=None,
            closed_at=None,
            metadata={name: sent[name] for name in ("value", "threshold", "runbook")},
            labels=sent["labels"],
            occurrence_count=1,
            last_received_at=_AT,
            created_at=_AT,
            updated_at=_AT,
        ),
    )
