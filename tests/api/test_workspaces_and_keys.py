from __future__ import annotations

from dataclasses import replace

from tests.api.conftest import Hub
from tests.api.server import Client


def test_a_caller_sees_its_own_workspace_only(hub: Hub) -> None:
    (own,) = hub.viewer.get("/workspaces").json()["items"]
    assert own["slug"] == "default"
    assert hub.viewer.get(f"/workspaces/{own['id']}").json() == own
    assert hub.viewer.get(f"/workspaces/{hub.other_workspace_id}").status == 404
    answer = hub.admin.patch(f"/workspaces/{hub.other_workspace_id}", {"name": "Mine"})
    assert answer.status == 404


def test_admins_of_default_see_which_workspaces_there_are(hub: Hub) -> None:
    def seen(client: Client, **query: bool) -> list[str]:
        return [each["slug"] for each in client.get("/workspaces", **query).json()["items"]]

    assert seen(hub.admin, all=True) == ["other", "default"]
    assert seen(hub.admin) == ["default"]
    for client in (hub.viewer, hub.responder):
        assert seen(client, all=True) == ["default"]
    assert seen(hub.stranger, all=True) == ["other"]


def test_a_new_workspace_comes_with_a_tenant_and_a_key(hub: Hub) -> None:
    made = hub.admin.made("/workspaces", {"slug": "night-shift", "name": "Night shift"})
    inside = replace(hub.admin, key=made["api_key"])
    (tenant,) = inside.get("/tenants").json()["items"]
    assert tenant["slug"] == "default"
    assert tenant["workspace_id"] == made["id"]
    assert "api_key" not in inside.get(f"/workspaces/{made['id']}").json()
    # Its maker does not see into it.
    assert hub.admin.get(f"/workspaces/{made['id']}").status == 404
    again = hub.admin.post("/workspaces", {"slug": "night-shift", "name": "x"})
    assert again.slug == "name-taken"
    assert [event["object_type"] for event in inside.get("/audit-events").json()["items"]] == [
        "api_key",
        "workspace",
    ]


def test_only_the_default_workspace_makes_others(hub: Hub) -> None:
    body = {"slug": "night-shift", "name": "Night shift"}
    assert hub.stranger.post("/workspaces", body).slug == "forbidden"
    assert hub.viewer.post("/workspaces", body).slug == "forbidden"


def test_a_workspace_is_renamed(hub: Hub) -> None:
    path = f"/workspaces/{hub.workspace_id}"
    assert hub.admin.patch(path, {"name": "Operations"}).json()["name"] == "Operations"
    assert hub.admin.patch(path, {"name": None}).slug == "validation-failed"


def test_a_key_is_shown_once_and_kept_as_a_hash(hub: Hub) -> None:
    made = hub.admin.made("/api-keys", {"name": "ci", "role": "responder"})
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) == 12
    listed = hub.admin.get("/api-keys")
    assert made["key"].encode() not in listed.body
    (row,) = hub.sql("SELECT * FROM api_keys WHERE id = %s", made["id"])
    assert made["key"] not in repr(row)


def test_making_and_revoking_a_key_is_audited_without_it(hub: Hub) -> None:
    made = hub.admin.made("/api-keys", {"name": "ci", "role": "viewer"})
    hub.admin.delete(f"/api-keys/{made['id']}")
    answer = hub.admin.get("/audit-events", object_type="api_key", object_id=made["id"])
    assert [event["action"] for event in answer.json()["items"]] == ["deleted", "created"]
    assert made["key"].encode() not in answer.body
    assert hub.admin.get("/audit-events", action="created", limit=1).json()["items"] != []
    assert hub.admin.get("/audit-events", until="2020-01-01T00:00:00Z").json()["items"] == []
