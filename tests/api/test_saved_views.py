"""Saved views: a person's own and everybody's, with how many alerts are in them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.api import past
from tests.api.conftest import Hub
from tocsin.resources import saved_views

VIEWS = "/saved-views"


def test_a_view_counts_what_is_in_it(hub: Hub) -> None:
    sender = hub.admin.made("/integrations", {"name": "first", "type": "alertmanager"})
    for host in ("db-1", "db-2", "web-1"):
        past.alert(hub, sender, fired=datetime.now(UTC), labels={"host": host})
    view = hub.responder.made(
        VIEWS,
        {
            "name": "Databases",
            "query": "status:open host:db*",
            "group_by": "host",
            "is_shared": True,
        },
    )
    assert view["user_id"] is None
    shown = hub.admin.get(f"{VIEWS}/{view['id']}").json()
    assert shown == view | {"count": 2, "has_more": False}
    changed = hub.responder.patch(f"{VIEWS}/{view['id']}", {"query": "host:web*"}).json()
    assert changed["query"] == "host:web*"
    assert hub.admin.get(f"{VIEWS}/{view['id']}").json()["count"] == 1
    assert hub.responder.delete(f"{VIEWS}/{view['id']}").status == 204
    assert hub.admin.get(f"{VIEWS}/{view['id']}").status == 404
    kept = [
        (each["action"], each["object_type"])
        for each in hub.admin.get("/audit-events").json()["items"]
        if each["object_id"] == view["id"]
    ]
    assert kept == [(action, "saved_view") for action in ("deleted", "updated", "created")]


def test_a_view_of_ones_own_is_nobody_elses(hub: Hub) -> None:
    ann, ben = (hub.person(past.member(hub, hub.workspace_id, name)) for name in ("Ann", "Ben"))
    view = ann.made(VIEWS, {"name": "Mine", "query": "severity:critical"})
    assert view["user_id"] is not None
    assert [each["id"] for each in ann.get(VIEWS).json()["items"]] == [view["id"]]
    for other in (ben, hub.admin, hub.stranger):
        assert other.get(VIEWS).json()["items"] == []
        for method in ("GET", "PATCH", "DELETE"):
            body = {"name": "Theirs"} if method == "PATCH" else None
            assert other.request(method, f"{VIEWS}/{view['id']}", body).status == 404


def test_who_only_looks_keeps_views_for_themselves(hub: Hub) -> None:
    viewer = hub.person(past.member(hub, hub.workspace_id, "Ann"))
    body = {"name": "All", "query": "status:open", "is_shared": True}
    assert viewer.request("POST", VIEWS, body).status == 403
    shared = hub.responder.made(VIEWS, body)
    assert viewer.patch(f"{VIEWS}/{shared['id']}", {"name": "Mine"}).status == 403
    assert viewer.delete(f"{VIEWS}/{shared['id']}").status == 403
    viewer.made(VIEWS, body | {"is_shared": False})


def test_a_key_of_nobody_has_no_views_of_its_own(hub: Hub) -> None:
    answer = hub.admin.request("POST", VIEWS, {"name": "Mine", "query": "status:open"})
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "/is_shared")


@pytest.mark.parametrize("query", ["severity:dreadful", "host=~(", "age<soon"])
def test_what_cannot_be_read_is_not_kept(hub: Hub, query: str) -> None:
    answer = hub.admin.request("POST", VIEWS, {"name": "x", "query": query, "is_shared": True})
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "/query")


def test_there_are_only_so_many(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved_views, "MOST_SHARED", 1)
    body = {"name": "x", "query": "status:open", "is_shared": True}
    hub.admin.made(VIEWS, body)
    assert hub.admin.request("POST", VIEWS, body).status == 422
