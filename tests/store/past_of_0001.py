"""A database as the first migration left it, with something in every table: things in use, and history
that mentions what was deleted, which that schema allowed."""

from __future__ import annotations

import json
from uuid import UUID

import psycopg
from psycopg import sql

from tocsin.store import migrate


def id_of(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-{number:012}")


WORKSPACE, OTHER_WORKSPACE = id_of(1), id_of(2)
TENANT, DELETED_TENANT = id_of(11), id_of(12)
INTEGRATION, DELETED_INTEGRATION, FORGOTTEN_INTEGRATION = id_of(21), id_of(22), id_of(23)
DESTINATION, DELETED_DESTINATION, FORGOTTEN_DESTINATION = id_of(31), id_of(32), id_of(33)
RULE, DELETED_RULE, FORGOTTEN_RULE = id_of(41), id_of(42), id_of(43)
ALERT, ALERT_OF_DELETED, REMOVED_ALERT, SILENT_ALERT, PURGED_ALERT = map(id_of, range(51, 56))
WEBHOOK, WEBHOOK_OF_DELETED, WEBHOOK_OF_FORGOTTEN, WEBHOOK_OF_PURGED = map(id_of, range(61, 65))
MESSAGE, MESSAGE_OF_DELETED, MESSAGE_OF_REMOVED, TEST_MESSAGE, SILENT_MESSAGE = map(
    id_of, range(71, 76)
)

_SAID = {
    "event_type": "alerts.triggered",
    "alert": {
        "id": str(REMOVED_ALERT),
        "integration_id": str(INTEGRATION),
        "title": "Disk 97 % full",
        "description": None,
        "severity": "CRITICAL",
        "status": "OPEN",
        "source": "shop",
        "external_id": "disk-7",
        "triggered_at": "2026-01-02T03:04:05.000006Z",
        "metadata": {"page": 1},
        "labels": {"host": "db7"},
    },
}
_IDS = {name: value for name, value in globals().items() if isinstance(value, UUID)}

_FILL = """
INSERT INTO workspaces (id, slug, name, fallback_destination_id)
VALUES ({WORKSPACE}, 'default', 'Default', {DESTINATION}), ({OTHER_WORKSPACE}, 'other', 'Other', NULL);
INSERT INTO tenants (id, workspace_id, slug, name)
VALUES ({TENANT}, {WORKSPACE}, 'default', 'Default');
INSERT INTO integrations (id, workspace_id, tenant_id, name, type, webhook_secret,
    previous_webhook_secret, previous_secret_expires_at)
VALUES ({INTEGRATION}, {WORKSPACE}, {TENANT}, 'shop', 'generic', 'sealed', 'before', now());
INSERT INTO alert_destinations (id, workspace_id, name, type, config, secret_config)
VALUES ({DESTINATION}, {WORKSPACE}, 'ops', 'webhook', '{{"url": "https://x.test/[hidden]"}}',
    'sealed');
INSERT INTO alert_rules (id, workspace_id, name, event_types, destination_ids)
VALUES ({RULE}, {WORKSPACE}, 'everything', '{{alerts.triggered}}', ARRAY[{DESTINATION}::uuid]);
INSERT INTO silences (id, workspace_id, matchers, starts_at, ends_at, author, comment)
VALUES ({RULE}, {WORKSPACE}, '[]', now(), now(), 'me', 'quiet');
INSERT INTO destination_states (alert_destination_id) VALUES ({DESTINATION});

INSERT INTO alerts (id, workspace_id, tenant_id, integration_id, title, severity, source, external_id,
    triggered_at, last_received_at, last_signal_at)
VALUES ({ALERT}, {WORKSPACE}, {TENANT}, {INTEGRATION}, 'A', 'HIGH', 'shop', 'a', now(), now(), now()),
       ({ALERT_OF_DELETED}, {WORKSPACE}, {DELETED_TENANT}, {DELETED_INTEGRATION}, 'B', 'LOW', 'old-shop',
        'b', now(), now(), now());
INSERT INTO webhook_deliveries (id, integration_id, content_fingerprint, raw_payload, status_code,
    outcome, processed_at, alert_id)
VALUES ({WEBHOOK}, {INTEGRATION}, 'f1', '{{"b": 1, "a": "\\u0000"}}', 201, 'created', now(), {ALERT}),
       ({WEBHOOK_OF_DELETED}, {DELETED_INTEGRATION}, 'f2', '{{}}', 201, 'created', now(),
        {ALERT_OF_DELETED}),
       ({WEBHOOK_OF_FORGOTTEN}, {FORGOTTEN_INTEGRATION}, 'f3', '{{}}', 401, 'rejected', now(), NULL),
       ({WEBHOOK_OF_PURGED}, {INTEGRATION}, 'f4', '{{}}', 201, 'created', now(), {PURGED_ALERT});
INSERT INTO webhook_claims (integration_id, digest, webhook_delivery_id, expires_at)
VALUES ({INTEGRATION}, {WEBHOOK}, {WEBHOOK}, now());
INSERT INTO resolutions (integration_id, external_id, occurred_at, expires_at)
VALUES ({INTEGRATION}, 'a', now(), now());
INSERT INTO alert_events (id, alert_id, kind, at, actor, webhook_delivery_id)
VALUES ({WEBHOOK}, {ALERT}, 'triggered', now(), '{{"kind": "source", "name": "shop"}}', {WEBHOOK});
INSERT INTO cooldowns (problem, alert_rule_id, alert_destination_id, told_at, expires_at)
VALUES ({ALERT}, {RULE}, {DESTINATION}, now(), now());

INSERT INTO alert_deliveries (id, workspace_id, tenant_id, alert_rule_id, alert_destination_id, alert_id,
    event_type, status, payload, reason)
VALUES ({MESSAGE}, {WORKSPACE}, {TENANT}, {RULE}, {DESTINATION}, {ALERT},
        'alerts.triggered', 'queued', '{{}}', 'rule'),
       ({MESSAGE_OF_DELETED}, {WORKSPACE}, {DELETED_TENANT}, {DELETED_RULE}, {DELETED_DESTINATION},
        {ALERT_OF_DELETED}, 'alerts.triggered', 'sent', '{{}}', 'rule'),
       ({MESSAGE_OF_REMOVED}, {WORKSPACE}, {TENANT}, {FORGOTTEN_RULE}, {FORGOTTEN_DESTINATION},
        {REMOVED_ALERT}, 'alerts.triggered', 'failed', {SAID}, 'rule'),
       ({SILENT_MESSAGE}, {WORKSPACE}, {TENANT}, {RULE}, {DESTINATION}, {SILENT_ALERT},
        'alerts.triggered', 'suppressed', '{{"alert": null}}', 'cooldown'),
       ({TEST_MESSAGE}, {WORKSPACE}, NULL, NULL, {DESTINATION}, NULL, 'alerts.test', 'sent',
        '{{}}', 'test');
INSERT INTO alert_delivery_attempts (alert_delivery_id, number, started_at, duration_ms, outcome)
VALUES ({MESSAGE_OF_DELETED}, 1, now(), 12, 'sent');
INSERT INTO rate_buckets (key, tokens, refilled_at) VALUES ({DESTINATION}, 1, now());
INSERT INTO link_codes (token_digest, expires_at) VALUES ({ALERT}, now());

INSERT INTO users (id, email, name) VALUES ({ALERT}, 'me@example.com', 'Me');
INSERT INTO memberships (user_id, workspace_id, role) VALUES ({ALERT}, {WORKSPACE}, 'admin');
INSERT INTO sessions (id, user_id, token_hash, expires_at) VALUES ({ALERT}, {ALERT}, 'hash', now());
INSERT INTO api_keys (id, workspace_id, name, prefix, key_hash, role)
VALUES ({ALERT}, {WORKSPACE}, 'first', 'tocsin_x', 'hash', 'admin');
INSERT INTO audit_events (id, workspace_id, at, actor, action, object_type, object_id, before)
VALUES ({RULE}, {WORKSPACE}, '2026-01-05Z', '{{}}', 'deleted', 'alert_rule', {DELETED_RULE},
        '{{"name": "nightly"}}'),
       ({DESTINATION}, {WORKSPACE}, '2026-01-05Z', '{{}}', 'deleted', 'alert_destination',
        {DELETED_DESTINATION}, '{{"name": "teams-ops", "type": "teams"}}'),
       ({INTEGRATION}, {WORKSPACE}, '2026-01-05Z', '{{}}', 'deleted', 'integration',
        {DELETED_INTEGRATION}, '{{"name": "old-shop", "type": "datadog"}}'),
       ({TENANT}, {WORKSPACE}, '2026-01-05Z', '{{}}', 'deleted', 'tenant',
        {DELETED_TENANT}, '{{"name": "Acme", "slug": "acme"}}');
"""


def make(url: str) -> None:
    """Brings an empty database to the first migration and fills it."""
    migrate.upgrade(url, to="0001")
    with psycopg.connect(url, autocommit=True) as connection:
        literals = {name: sql.Literal(str(value)) for name, value in _IDS.items()}
        connection.execute(sql.SQL(_FILL).format(**literals, SAID=sql.Literal(json.dumps(_SAID))))
