"""The board of tenants by the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.api import past
from tests.api.conftest import Hub

NOW = datetime.now(UTC)


def tenant(hub: Hub, slug: str) -> dict[str, Any]:
    """With an integration of its own, as `sender`."""
    made = hub.admin.made("/tenants", {"slug": slug, "name": slug.title()})
    body = {"name": f"{slug}-tool", "type": "generic", "tenant_id": made["id"]}
    return made | {"sender": hub.admin.made("/integrations", body)}


def board(hub: Hub, **query: Any) -> dict[str, dict[str, Any]]:
    items = hub.viewer.get("/tenant-board", **query).json()["items"]
    return {each["slug"]: each for each in items}


def test_the_worst_stands_first_with_what_is_wrong(hub: Hub) -> None:
    acme, beta = tenant(hub, "acme"), tenant(hub, "beta")
    hours = timedelta(hours=1)
    past.alert(hub, beta["sender"], "old", severity="LOW", fired=NOW - 5 * hours)
    past.alert(hub, acme["sender"], "new", severity="CRITICAL", fired=NOW - hours)
    taken = past.alert(hub, acme["sender"], "taken", severity="HIGH", fired=NOW - 9 * hours)
    past.alert(hub, acme["sender"], "over", status="RESOLVED", fired=NOW - 9 * hours)
    ann = hub.person(past.member(hub, hub.workspace_id, "Ann"), "responder")
    ann.made(f"/alerts/{taken}/acknowledge", {})

    found = board(hub)
    assert list(found) == ["acme", "beta", "default"]
    one = found["acme"]
    assert {name: count for name, count in one["live"].items() if count} == {
        "CRITICAL": 1,
        "HIGH": 1,
    }
    assert one["oldest_open"]["title"] == "new"
    assert one["held_by"] == ["Ann"]
    assert one["last_heard_at"] is not None
    assert found["beta"]["oldest_open"]["title"] == "old"
    assert found["default"]["oldest_open"] is None
    assert found["default"]["last_heard_at"] is None


def test_what_does_not_work_stands_with_whom_it_concerns(hub: Hub) -> None:
    acme, _ = tenant(hub, "acme"), tenant(hub, "beta")
    for minute in range(6):
        past.webhook_delivery(hub, acme["sender"], created=NOW - timedelta(hours=3, minutes=minute))
    beat = hub.admin.made(
        "/heartbeats", {"name": "backup", "period_seconds": 60, "tenant_id": acme["id"]}
    )
    hub.sql("UPDATE heartbeat_statuses SET state = 'down' WHERE heartbeat_id = %s", beat["id"])
    destination = hub.admin.made(
        "/alert-destinations",
        {"name": "mail", "type": "email", "config": {"recipients": ["a@example.org"]}},
    )
    alert_id = past.alert(hub, acme["sender"], severity="INFO")
    message = past.alert_delivery(hub, destination, alert_id)
    old = past.alert_delivery(hub, destination, alert_id)
    hub.sql(
        "UPDATE alert_deliveries SET id = '01900000-0000-7000-8000-000000000001' WHERE id = %s", old
    )
    past.alert_delivery(hub, destination, alert_id, status="queued")
    found = board(hub)["acme"]
    assert found["silent_sources"] == ["acme-tool"]
    assert found["missed_heartbeats"] == 1
    assert found["failed_messages"] == 1, "the other was given up long ago"
    assert found["stuck_messages"] == 0

    hub.sql(
        "INSERT INTO destination_states (alert_destination_id, failing_since) VALUES (%s, now())",
        destination["id"],
    )
    assert board(hub)["acme"]["stuck_messages"] == 1
    hub.admin.made("/alert-deliveries/retry", {"since": "2020-01-01T00:00:00Z"})
    assert hub.sql("SELECT status::text FROM alert_deliveries WHERE id = %s", message) == [
        ("queued",)
    ]
    assert board(hub)["acme"]["failed_messages"] == 0
    assert board(hub)["beta"]["stuck_messages"] == 0


def test_some_are_found_by_name_and_pages_follow(hub: Hub) -> None:
    for slug in ("acme", "beta", "acorn"):
        tenant(hub, slug)
    assert list(board(hub, q="AC")) == ["acme", "acorn"]
    assert board(hub, q="%") == {}
    seen, cursor = [], None
    while True:
        query = {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        answer = hub.viewer.get("/tenant-board", **query).json()
        assert answer["count"] == 4
        seen += [each["slug"] for each in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert seen == ["acme", "acorn", "beta", "default"]
    assert hub.viewer.get("/tenant-board", cursor="nonsense").slug == "bad-cursor"


def test_another_workspace_is_not_on_it(hub: Hub) -> None:
    acme = tenant(hub, "acme")
    past.alert(hub, acme["sender"], "ours")
    (theirs,) = hub.stranger.get("/tenant-board").json()["items"]
    assert theirs["slug"] == "default"
    assert not any(theirs["live"].values())
    assert UUID(theirs["tenant_id"]) != UUID(acme["id"])


def test_deleted_tenants_are_not_on_it(hub: Hub) -> None:
    made = hub.admin.made("/tenants", {"slug": "gone", "name": "Gone"})
    assert hub.admin.delete(f"/tenants/{made['id']}").status == 204
    assert list(board(hub)) == ["default"]
