"""A change that changes nothing is neither written nor recorded."""

from __future__ import annotations

import pytest

from tests.api.conftest import Hub
from tests.api.everything import make

SENT_BACK = {
    "workspaces": ("workspace_id", ("name", "fallback_destination_id")),
    "tenants": ("tenant_id", ("slug", "name")),
    "integrations": ("integration_id", ("name", "tenant_id", "default_severity", "mapping")),
    "alert-destinations": ("alert_destination_id", ("name", "config", "is_enabled")),
    "alert-rules": ("alert_rule_id", ("name", "event_types", "matchers", "destination_ids")),
    "maintenance-windows": (
        "maintenance_window_id",
        ("name", "matchers", "timezone", "starts_at", "duration_minutes", "rrule", "exdates"),
    ),
    "inhibition-rules": (
        "inhibition_rule_id",
        ("name", "is_enabled", "source_matchers", "target_matchers", "equal", "delay_seconds"),
    ),
    "escalation-policies": (
        "escalation_policy_id",
        ("name", "steps", "repeat", "on_exhausted_destination_id", "ack_timeout_minutes"),
    ),
    "silences": ("silence_id", ("matchers", "starts_at", "ends_at", "comment")),
}


@pytest.mark.parametrize("resource", SENT_BACK)
def test_what_is_sent_back_as_it_was_shown_leaves_no_trace(hub: Hub, resource: str) -> None:
    id_name, members = SENT_BACK[resource]
    path = f"/{resource}/{make(hub, hub.admin)[id_name]}"
    shown = hub.admin.get(path).json()
    events = hub.admin.get("/audit-events").json()["items"]

    answer = hub.admin.patch(path, {name: shown[name] for name in members})

    assert (answer.status, answer.json()) == (200, shown)
    assert hub.admin.get("/audit-events").json()["items"] == events


def test_a_silence_that_is_over_can_be_sent_back_but_not_expired_again(hub: Hub) -> None:
    path = f"/silences/{make(hub, hub.admin)['silence_id']}"
    hub.admin.delete(path)
    over = hub.admin.get(path).json()
    events = hub.admin.get("/audit-events").json()["items"]

    hub.admin.delete(path)

    assert hub.admin.patch(path, {"ends_at": over["ends_at"]}).status == 200
    assert hub.admin.get(path).json() == over
    assert hub.admin.get("/audit-events").json()["items"] == events
