from __future__ import annotations

from uuid import uuid4

from tests.api.conftest import Hub


def test_a_tenant_is_made_read_changed_and_deleted(hub: Hub) -> None:
    made = hub.admin.made("/tenants", {"slug": "acme", "name": "Acme Ltd"})
    assert made["slug"] == "acme"
    assert made["workspace_id"] == str(hub.workspace_id)
    assert made["created_at"].endswith("Z")
    assert hub.viewer.get(f"/tenants/{made['id']}").json() == made

    changed = hub.admin.patch(f"/tenants/{made['id']}", {"name": "Acme Limited"}).json()
    assert changed["name"] == "Acme Limited"
    assert changed["updated_at"] > made["updated_at"]

    assert hub.admin.delete(f"/tenants/{made['id']}").status == 204
    assert hub.viewer.get(f"/tenants/{made['id']}").slug == "not-found"


def test_tenants_are_found_by_name_and_slug(hub: Hub) -> None:
    hub.admin.made("/tenants", {"slug": "acme", "name": "Coyote Ltd"})
    hub.admin.made("/tenants", {"slug": "beta", "name": "Beta"})
    for q, found in (
        ("COY", ["acme"]),
        ("cme", ["acme"]),
        ("%", []),
        ("e", ["beta", "acme", "default"]),
    ):
        items = hub.viewer.get("/tenants", q=q).json()["items"]
        assert [each["slug"] for each in items] == found, q


def test_two_tenants_cannot_have_one_slug(hub: Hub) -> None:
    hub.admin.made("/tenants", {"slug": "acme", "name": "Acme"})
    again = hub.admin.post("/tenants", {"slug": "acme", "name": "Another"})
    assert (again.status, again.slug) == (409, "name-taken")
    other = hub.admin.made("/tenants", {"slug": "beta", "name": "Beta"})
    assert hub.admin.patch(f"/tenants/{other['id']}", {"slug": "acme"}).slug == "name-taken"
    assert hub.admin.get(f"/tenants/{other['id']}").json()["slug"] == "beta"
    # Workspaces do not share their slugs.
    assert hub.stranger.post("/tenants", {"slug": "acme", "name": "Acme"}).status == 201


def test_a_tenant_in_use_stays(hub: Hub) -> None:
    tenant = hub.admin.made("/tenants", {"slug": "acme", "name": "Acme"})
    hub.admin.made("/integrations", {"name": "shop", "type": "generic", "tenant_id": tenant["id"]})
    refused = hub.admin.delete(f"/tenants/{tenant['id']}")
    assert refused.slug == "in-use"
    assert "shop" in refused.json()["detail"]
    default = next(t for t in hub.admin.get("/tenants").json()["items"] if t["slug"] == "default")
    assert hub.admin.delete(f"/tenants/{default['id']}").slug == "in-use"


def test_every_fault_of_a_body_is_named_at_its_place(hub: Hub) -> None:
    answer = hub.admin.post("/tenants", {"slug": "Not A Slug", "nmae": "Acme"})
    assert (answer.status, answer.slug) == (422, "validation-failed")
    pointers = {fault["pointer"]: fault["code"] for fault in answer.json()["errors"]}
    assert pointers == {
        "/slug": "string-pattern-mismatch",
        "/name": "missing",
        "/nmae": "extra-forbidden",
    }


def test_each_change_is_audited_once(hub: Hub) -> None:
    tenant = hub.admin.made("/tenants", {"slug": "acme", "name": "Acme"})
    hub.admin.patch(f"/tenants/{tenant['id']}", {"name": "Acme Ltd"})
    hub.admin.patch(f"/tenants/{tenant['id']}", {"name": "Acme Ltd"})
    hub.admin.delete(f"/tenants/{tenant['id']}")
    events = hub.admin.get("/audit-events", object_id=tenant["id"]).json()["items"]
    assert [event["action"] for event in events] == ["deleted", "updated", "created"]
    deleted, updated, created = events
    assert updated["before"] == {"name": "Acme"}
    assert updated["after"] == {"name": "Acme Ltd"}
    assert created["after"] == tenant
    assert deleted["before"]["name"] == "Acme Ltd"
    assert created["actor"]["kind"] == "api_key"
    assert created["actor"]["name"] == "test admin"


def test_what_is_not_there_is_404(hub: Hub) -> None:
    assert hub.admin.get(f"/tenants/{uuid4()}").slug == "not-found"
    assert hub.admin.get("/tenants/not-an-id").slug == "not-found"
    assert hub.admin.patch(f"/tenants/{uuid4()}", {"name": "x"}).slug == "not-found"
    assert hub.admin.delete(f"/tenants/{uuid4()}").slug == "not-found"
