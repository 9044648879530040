"""What a person deletes is gone for everybody, its secrets are erased and its name is free; history
still names it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.api import everything, past
from tests.api.conftest import Hub
from tocsin.store.installation import sealed_values

HOOK = "https://example.org/path-with-token-91c2"
OF_KIND = {
    "heartbeat_id": "/heartbeats",
    "inhibition_rule_id": "/inhibition-rules",
    "alert_rule_id": "/alert-rules",
    "escalation_policy_id": "/escalation-policies",
    "schedule_id": "/schedules",
    "contact_method_id": "/contact-methods",
    "user_id": "/users",
    "invitation_id": "/invitations",
    "alert_destination_id": "/alert-destinations",
    "integration_id": "/integrations",
    "tenant_id": "/tenants",
}
"""In an order in which each can be deleted."""


def _delete_all(hub: Hub, ids: dict[str, str]) -> None:
    for parameter, path in OF_KIND.items():
        answer = hub.admin.delete(f"{path}/{ids[parameter]}")
        assert answer.status == 204, (path, answer)


def _dump(hub: Hub) -> str:
    """Everything in every table, as text; binary columns in hexadecimal."""
    tables = hub.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    return repr([hub.sql(f"SELECT t::text FROM {table} t") for (table,) in tables])


def test_what_was_deleted_is_not_there_for_anybody(hub: Hub) -> None:
    document = hub.admin.get("/openapi.json").json()
    ids = everything.make(hub, hub.admin)
    _delete_all(hub, ids)
    tried = 0
    for method, template, operation in everything.operations(document):
        if not any("{" + parameter + "}" in template for parameter in OF_KIND):
            continue
        body = ()
        if "requestBody" in operation:
            body = (everything.example_body(document, operation),)
        for client in (hub.admin, hub.stranger):
            answer = client.request(method, template.format(**ids), *body)
            assert (answer.status, answer.slug) == (404, "not-found"), (method, template, answer)
        tried += 1
    assert tried >= 14
    for parameter, path in OF_KIND.items():
        if path == "/contact-methods":
            continue  # listed with their person, who is gone
        listed = [item["id"] for item in hub.admin.get(path).json()["items"]]
        assert ids[parameter] not in listed


def test_nothing_deleted_can_be_referred_to(hub: Hub) -> None:
    ids = everything.make(hub, hub.admin)
    _delete_all(hub, ids)
    rule = {"name": "x", "event_types": ["alerts.triggered"], "destination_ids": []}
    for path, body in (
        ("/integrations", {"name": "x", "type": "generic", "tenant_id": ids["tenant_id"]}),
        ("/alert-rules", rule | {"tenant_ids": [ids["tenant_id"]]}),
        ("/alert-rules", rule | {"destination_ids": [ids["alert_destination_id"]]}),
        (
            "/alert-deliveries/retry",
            {"since": "2020-01-01T00:00:00Z", "destination_id": ids["alert_destination_id"]},
        ),
    ):
        answer = hub.admin.post(path, body)
        assert (answer.status, answer.slug) == (404, "not-found"), (path, answer)


def test_names_are_free_again(hub: Hub) -> None:
    for _ in range(3):
        ids = everything.make(hub, hub.admin)
        _delete_all(hub, ids)
        hub.sql("DELETE FROM silences")


def test_secrets_are_erased(hub: Hub) -> None:
    sender = past.integration(hub)
    rotated = hub.admin.made(f"/integrations/{sender['id']}/rotate-secret", {})
    destination = hub.admin.made(
        "/alert-destinations", {"name": "h", "type": "webhook", "config": {"url": HOOK}}
    )
    sealed = [
        value.hex()
        for row in hub.sql("SELECT webhook_secret, previous_webhook_secret FROM integrations")
        + hub.sql("SELECT secret_config FROM alert_destinations")
        for value in row
    ]
    assert len(sealed) == 3
    assert all(each in _dump(hub) for each in sealed)

    hub.admin.delete(f"/integrations/{sender['id']}")
    hub.admin.delete(f"/alert-destinations/{destination['id']}")

    left = _dump(hub)
    for secret in (*sealed, rotated["webhook_secret"], destination["signing_secret"], HOOK):
        assert secret not in left
    assert hub.sql("SELECT config FROM alert_destinations") == [({},)]
    assert sealed_values(hub.database.url) == []


def test_history_names_what_was_deleted(hub: Hub) -> None:
    ids = everything.make(hub, hub.admin)
    past.alert_delivery(
        hub,
        {"id": ids["alert_destination_id"]},
        UUID(ids["alert_id"]),
        rule_id=UUID(ids["alert_rule_id"]),
    )
    past.event(hub, UUID(ids["alert_id"]), "triggered")
    _delete_all(hub, ids)

    story = hub.viewer.get(f"/alerts/{ids['alert_id']}/explain").json()
    (answer,) = story["answers"]
    assert answer["destination_name"] == "first (deleted)"
    assert answer["words"].startswith("first (deleted): ")
    (message,) = _messages(story)
    assert message["rule_name"] == "First (deleted)"
    assert message["words"].endswith(", by rule “First (deleted)”")


def _messages(story: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        message
        for step in story["steps"]
        for change in step["changes"]
        for message in change["deliveries"]
    ]


def test_history_stays_and_its_alerts_can_be_acted_on(hub: Hub) -> None:
    ids = everything.make(hub, hub.admin)
    _delete_all(hub, ids)
    destination = hub.admin.made(
        "/alert-destinations", {"name": "new", "type": "webhook", "config": {"url": HOOK}}
    )
    hub.admin.made(
        "/alert-rules",
        {
            "name": "new",
            "event_types": ["alerts.triggered", "alerts.closed"],
            "destination_ids": [destination["id"]],
        },
    )

    # Messages: the test of the destination, and the code for the contact method.
    for path, count in (("alerts", 1), ("webhook-deliveries", 1), ("alert-deliveries", 2)):
        assert len(hub.viewer.get(f"/{path}").json()["items"]) == count, path
    assert hub.admin.post(f"/alerts/{ids['alert_id']}/close", {}).status == 200
    assert hub.admin.get(f"/alerts/{ids['alert_id']}").json()["status"] == "CLOSED"
