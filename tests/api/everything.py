"""One of everything in a workspace, by the names that the OpenAPI document gives its ids."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.api import past
from tests.api.conftest import Hub
from tests.api.server import Client


def make(hub: Hub, client: Client) -> dict[str, str]:
    """Path parameter → id of such a thing in the client's workspace."""
    (workspace,) = client.get("/workspaces").json()["items"]
    tenant = client.made("/tenants", {"slug": "first", "name": "First"})
    sender = client.made(
        "/integrations", {"name": "first", "type": "alertmanager", "tenant_id": tenant["id"]}
    )
    token = client.made(f"/integrations/{sender['id']}/tokens", {"label": "second"})
    alert_id = past.alert(hub, sender, fired=datetime.now(UTC), labels={"host": "db-1"})
    delivery_id = past.webhook_delivery(hub, sender, alert_id=alert_id)
    past.event(hub, alert_id, "repeated", webhook_delivery_id=delivery_id)
    matcher = {"label": "host", "op": "=", "value": "db-1"}
    destination = client.made(
        "/alert-destinations",
        {"name": "first", "type": "webhook", "config": {"url": "https://example.org/hook"}},
    )
    message = client.made(f"/alert-destinations/{destination['id']}/test", None)
    rule = client.made(
        "/alert-rules",
        {
            "name": "First",
            "event_types": ["alerts.triggered"],
            "destination_ids": [destination["id"]],
        },
    )
    silence = client.made(
        "/silences", {"matchers": [matcher], "ends_at": "2036-01-01T00:00:00Z", "comment": "x"}
    )
    window = client.made(
        "/maintenance-windows",
        {
            "name": "First",
            "matchers": [matcher],
            "starts_at": "2036-01-01T02:00:00",
            "duration_minutes": 60,
        },
    )
    heartbeat = client.made(
        "/heartbeats", {"name": "first", "period_seconds": 3600, "tenant_id": tenant["id"]}
    )
    inhibition = client.made(
        "/inhibition-rules",
        {
            "name": "First",
            "source_matchers": [matcher],
            "target_matchers": [matcher | {"value": "x"}],
        },
    )
    policy = client.made(
        "/escalation-policies",
        {
            "name": "First",
            "steps": [{"targets": [{"type": "destination", "id": destination["id"]}]}],
        },
    )
    user = client.made("/users", {"email": f"ana@{workspace['slug']}.example.org", "name": "Ana"})
    contact_method = client.made(
        f"/users/{user['id']}/contact-methods",
        {"type": "email", "config": {"recipients": ["ana@example.org"]}},
    )
    client.request(
        "PUT",
        f"/users/{user['id']}/notification-rules",
        [{"urgency": "high", "contact_method_id": contact_method["id"]}],
    )
    # The one above is not verified: nothing but a code would be sent to it.
    past.contact_method(hub, UUID(workspace["id"]), user["id"])
    invitation = client.made("/invitations", {"email": f"ben@{workspace['slug']}.example.org"})
    past.escalation(hub, alert_id, policy, rule)
    other_user = past.member(hub, UUID(workspace["id"]))
    together = {"participants": [[user["id"], other_user]]}
    schedule = client.made("/schedules", past.schedule("First", layer=together))
    override = client.made(
        f"/schedules/{schedule['id']}/overrides",
        {"kind": "cover", "ends_at": "2035-12-25T09:00:00Z", "substitute_user_id": user["id"]}
        | {"starts_at": "2035-12-24T09:00:00Z"},
    )
    swap = client.made(
        "/shift-swaps",
        {"schedule_id": schedule["id"], "user_id": other_user}
        | {"starts_at": "2035-12-28T09:00:00Z", "ends_at": "2035-12-29T09:00:00Z"},
    )
    feed = client.made("/calendar-feeds", {"name": "phone", "schedule_id": schedule["id"]})
    key = client.made("/api-keys", {"name": "ci", "role": "viewer"})
    view = client.made("/saved-views", {"name": "First", "query": "host:db-1", "is_shared": True})
    bulk_action = client.made("/bulk-actions", {"kind": "resolve", "query": "host:nobody"})
    return {
        "workspace_id": workspace["id"],
        "tenant_id": tenant["id"],
        "integration_id": sender["id"],
        "integration_token_id": token["id"],
        "alert_id": str(alert_id),
        "webhook_delivery_id": str(delivery_id),
        "alert_destination_id": destination["id"],
        "alert_delivery_id": message["id"],
        "alert_rule_id": rule["id"],
        "silence_id": silence["id"],
        "maintenance_window_id": window["id"],
        "heartbeat_id": heartbeat["id"],
        "inhibition_rule_id": inhibition["id"],
        "escalation_policy_id": policy["id"],
        "user_id": user["id"],
        "contact_method_id": contact_method["id"],
        "invitation_id": invitation["id"],
        "schedule_id": schedule["id"],
        "schedule_override_id": override["id"],
        "shift_swap_id": swap["id"],
        "calendar_feed_id": feed["id"],
        "api_key_id": key["id"],
        "saved_view_id": view["id"],
        "bulk_action_id": bulk_action["id"],
    }


_EXAMPLE_IDS = {
    "0199b4a2-0000-7000-8000-0000000000d5": "alert_destination_id",
    "0199b4a2-0000-7000-8000-0000000000c5": "contact_method_id",
    "0199b4a2-0000-7000-8000-0000000000aa": "user_id",
    "0199b4a2-0000-7000-8000-0000000000e5": "schedule_id",
}
"""Ids that examples give to what must be there, and what it is."""


def example_body_with(
    ids: dict[str, str], document: dict[str, Any], operation: dict[str, Any]
) -> Any:
    """The example of an operation's body; what it names are things of `ids`."""
    text = json.dumps(example_body(document, operation))
    for example_id, parameter in _EXAMPLE_IDS.items():
        text = text.replace(example_id, ids[parameter])
    return json.loads(text)


def example_body(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    """The example of an operation's body as the document gives it; fails if it gives none."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    candidates = [schema, *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    for candidate in candidates:
        if "$ref" in candidate:
            name = candidate["$ref"].rsplit("/", 1)[-1]
            candidate = document["components"]["schemas"][name]
        if candidate.get("examples"):
            return candidate["examples"][0]
    raise AssertionError(f"{operation['operationId']} has no example of its body")


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every method, path and operation there is."""
    return [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
