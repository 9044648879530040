"""API keys of one's own."""

from __future__ import annotations

from dataclasses import replace

from tests.api.conftest import Hub
from tests.api.server import Client


def person(hub: Hub, role: str = "responder", key_role: str = "admin") -> Client:
    made = hub.admin.made("/users", {"email": "ana@example.org", "name": "Ana", "role": role})
    return hub.person(made["id"], role=key_role)


def test_made_used_and_revoked(hub: Hub) -> None:
    ana = person(hub)
    made = ana.made("/me/api-keys", {"name": "laptop"})
    assert made["role"] == "responder"
    laptop = replace(ana, key=made["key"])
    assert laptop.get("/me").json()["user"]["name"] == "Ana"
    listed = ana.get("/me/api-keys").json()["items"]
    assert {each["name"] for each in listed} == {"laptop", "own"}
    assert made["key"] not in str(listed)
    assert ana.delete(f"/me/api-keys/{made['id']}").status == 204
    assert laptop.get("/me").status == 401
    audited = hub.sql("SELECT action, actor->>'name' FROM audit_events WHERE object_type='api_key'")
    assert ("created", "Ana") in audited
    assert ("deleted", "Ana") in audited


def test_no_key_makes_one_that_may_more(hub: Hub) -> None:
    """A key that only reads, lost to somebody, does not become one that acts."""
    reads = person(hub, role="admin", key_role="viewer")
    refused = reads.post("/me/api-keys", {"name": "more", "role": "responder"})
    assert refused.status == 403
    assert "viewer" in refused.json()["detail"]
    assert reads.made("/me/api-keys", {"name": "same"})["role"] == "viewer"


def test_only_ones_own(hub: Hub) -> None:
    ana = person(hub)
    ben = hub.admin.made("/users", {"email": "ben@example.org", "name": "Ben", "role": "admin"})
    key = hub.person(ben["id"], role="admin").made("/me/api-keys", {"name": "his"})
    assert [each["name"] for each in ana.get("/me/api-keys").json()["items"]] == ["own"]
    assert ana.delete(f"/me/api-keys/{key['id']}").status == 404
    ours = hub.admin.made("/api-keys", {"name": "ci", "role": "viewer"})
    assert ana.delete(f"/me/api-keys/{ours['id']}").status == 404
    assert hub.admin.get("/me/api-keys").status == 403
    assert hub.admin.post("/me/api-keys", {"name": "x"}).status == 403
    assert hub.stranger.delete(f"/me/api-keys/{key['id']}").status == 404
