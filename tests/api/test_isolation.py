"""Two workspaces, every route of the OpenAPI document: neither finds or changes what is the
other's. A new route is tried as soon as it exists."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.api import everything, past
from tests.api.conftest import Hub
from tests.api.server import Answer


def _send(hub: Hub, document: dict[str, Any], method: str, path: str, operation: Any) -> Answer:
    if "requestBody" in operation:
        body = everything.example_body(document, operation)
        return hub.stranger.request(method, path, body)
    return hub.stranger.request(method, path)


def _rows(hub: Hub) -> dict[str, list[Any]]:
    """Everything in every table, less what a request leaves behind by itself, and the copy of alerts'
    words, which time makes."""
    tables = hub.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        " AND table_name NOT IN ('audit_events', 'configuration', 'alembic_version',"
        " 'heartbeat_watch', 'alert_search', 'alert_search_state')"
    )
    return {
        table: hub.sql(f"SELECT (to_jsonb(t) - 'last_used_at')::text FROM {table} t ORDER BY 1")
        for (table,) in tables
    }


def test_what_is_anothers_is_not_there(hub: Hub) -> None:
    document = hub.stranger.get("/openapi.json").json()
    theirs = everything.make(hub, hub.admin)
    before = _rows(hub)
    tried = 0
    for method, template, operation in everything.operations(document):
        if "{" not in template:
            continue
        answer = _send(hub, document, method, template.format(**theirs), operation)
        assert (answer.status, answer.slug) == (404, "not-found"), (method, template, answer)
        unknown = template.format(**dict.fromkeys(theirs, "0199b4a2-0000-7000-8000-000000000000"))
        same = _send(hub, document, method, unknown, operation)
        assert same.json()["detail"] == answer.json()["detail"], "they can be told apart"
        tried += 1
    assert tried >= 17
    assert _rows(hub) == before


def test_lists_hold_what_is_ones_own(hub: Hub) -> None:
    document = hub.stranger.get("/openapi.json").json()
    theirs = everything.make(hub, hub.admin)
    everything.make(hub, hub.stranger)
    for method, path, operation in everything.operations(document):
        if method != "GET" or "{" in path:
            continue
        names = {part["name"] for part in operation.get("parameters", ())}
        queries: list[dict[str, str]] = [
            {},
            *({name: theirs[name]} for name in names & theirs.keys()),
        ]
        for query in queries:
            answer = hub.stranger.get(path, **query)
            if path == "/me/api-keys":
                # Of a person; this key is nobody's.
                assert answer.status == 403, answer
                continue
            assert answer.status == 200, answer
            for their_id in theirs.values():
                assert their_id.encode() not in answer.body, (path, query)
            if path == "/me":
                assert answer.json()["workspace"]["slug"] == "other"
            elif path == "/web-push-key":
                assert answer.json().keys() == {"public_key"}  # nobody's: it is the installation's
            elif query:
                assert answer.json()["items"] == [], (path, query)
            else:
                assert answer.json()["items"] != [], path


def test_previews_look_at_ones_own_alerts(hub: Hub) -> None:
    document = hub.stranger.get("/openapi.json").json()
    theirs = everything.make(hub, hub.admin)
    body = {"matchers": [{"label": "host", "op": "=", "value": "db-1"}]}
    for method, path, _ in everything.operations(document):
        if (
            method == "POST"
            and path.endswith("/preview")
            and "inhibition" not in path
            and "schedules" not in path
            and "{" not in path
        ):
            own, others = hub.admin.made(path, body), hub.stranger.made(path, body)
            assert [item["alert_id"] for item in own["items"]] == [theirs["alert_id"]]
            assert (others["items"], others["considered"]) == ([], 0)


def test_nothing_of_anothers_can_be_referred_to(hub: Hub) -> None:
    theirs = everything.make(hub, hub.admin)
    rule = {"name": "x", "event_types": ["alerts.triggered"], "destination_ids": []}
    sender = {"name": "x", "type": "generic"}
    for path, body in (
        ("/integrations", sender | {"tenant_id": theirs["tenant_id"]}),
        ("/alert-rules", rule | {"tenant_ids": [theirs["tenant_id"]]}),
        ("/alert-rules", rule | {"destination_ids": [theirs["alert_destination_id"]]}),
        ("/alert-rules", rule | {"escalation_policy_id": theirs["escalation_policy_id"]}),
        (
            "/maintenance-windows",
            {"name": "x", "duration_minutes": 5, "tenant_ids": [theirs["tenant_id"]]},
        ),
        ("/api-keys", {"name": "x", "role": "viewer", "user_id": theirs["user_id"]}),
        (
            "/alert-deliveries/retry",
            {"since": "2020-01-01T00:00:00Z", "destination_id": theirs["alert_destination_id"]},
        ),
    ):
        answer = hub.stranger.post(path, body)
        assert (answer.status, answer.slug) == (404, "not-found"), (path, answer)
    answer = hub.stranger.patch(
        f"/workspaces/{hub.other_workspace_id}",
        {"fallback_destination_id": theirs["alert_destination_id"]},
    )
    assert (answer.status, answer.slug) == (404, "not-found")
    own = everything.make(hub, hub.stranger)
    answer = hub.stranger.request(
        "PUT",
        f"/users/{own['user_id']}/notification-rules",
        [{"urgency": "low", "contact_method_id": theirs["contact_method_id"]}],
    )
    assert (answer.status, answer.slug) == (404, "not-found")


def test_a_bulk_retry_touches_ones_own_only(hub: Hub) -> None:
    theirs = everything.make(hub, hub.admin)
    past.alert_delivery(hub, {"id": theirs["alert_destination_id"]}, UUID(theirs["alert_id"]))
    body = {"since": "2020-01-01T00:00:00Z"}
    assert hub.stranger.made("/alert-deliveries/retry", body) == {"retried": 0}
    assert hub.admin.made("/alert-deliveries/retry", body) == {"retried": 1}
