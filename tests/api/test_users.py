"""People: members of a workspace, and what they, admins and others may change of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.api.conftest import Hub
from tocsin.access.passwords import is_outdated
from tocsin.model import uuid7

ANA = {"email": "Ana@Example.org", "name": "Ana", "timezone": "Europe/Vienna"}


def _ana(hub: Hub, **columns: Any) -> dict[str, Any]:
    return hub.admin.made("/users", ANA | columns)


def _audited(hub: Hub, kind: str = "user") -> list[tuple[str, Any, Any]]:
    events = hub.admin.get("/audit-events", object_type=kind).json()["items"]
    return [(event["action"], event["before"], event["after"]) for event in events]


def test_a_person_is_made_shown_changed_and_removed(hub: Hub) -> None:
    made = _ana(hub)
    assert made["email"] == "Ana@example.org"
    assert (made["role"], made["is_active"], made["is_reachable"]) == ("responder", True, False)
    path = f"/users/{made['id']}"
    assert hub.viewer.get(path).json() == made
    assert hub.viewer.get("/users").json()["items"] == [made]

    changed = hub.admin.patch(path, {"role": "admin", "name": "Ana Lee", "is_active": False})
    assert changed.json() | {"updated_at": 0} == made | {
        "role": "admin",
        "name": "Ana Lee",
        "is_active": False,
        "updated_at": 0,
    }
    assert hub.admin.delete(path).status == 204
    assert hub.viewer.get(path).status == 404
    assert hub.viewer.get("/users").json()["items"] == []
    actions = _audited(hub)
    assert [action for action, _, _ in actions] == ["deleted", "updated", "created"]
    assert actions[1][1:] == (
        {"role": "responder", "name": "Ana", "is_active": True},
        {"role": "admin", "name": "Ana Lee", "is_active": False},
    )


def test_one_address_is_one_person_until_they_are_gone(hub: Hub) -> None:
    made = _ana(hub)
    again = hub.admin.post("/users", {"email": "ANA@example.org", "name": "Another"})
    assert (again.status, again.slug) == (409, "name-taken")
    # In every workspace: who is a member elsewhere is invited.
    assert hub.stranger.post("/users", ANA).slug == "name-taken"
    assert hub.admin.delete(f"/users/{made['id']}").status == 204
    assert hub.stranger.post("/users", ANA).status == 201


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "nobody"}, "/email"),
        ({"timezone": "Mars/Base"}, "/timezone"),
        ({"role": "owner"}, "/role"),
        ({"quiet_hours": [{"start": "22:00"}]}, "/quiet_hours/0/end"),
        ({"quiet_hours": [{"start": "00:00", "end": "00:00"}]}, "/quiet_hours"),
        ({"shift_notices": {"before_minutes": [-1]}}, "/shift_notices/before_minutes/0"),
        ({"shift_notices": {"before_minutes": [20_000]}}, "/shift_notices/before_minutes/0"),
        ({"shift_notices": {"before_minutes": [1] * 6}}, "/shift_notices/before_minutes"),
        ({"name": ""}, "/name"),
    ],
)
def test_what_is_wrong_is_named(hub: Hub, body: dict[str, Any], pointer: str) -> None:
    answer = hub.admin.post("/users", ANA | body)
    assert answer.slug == "validation-failed"
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_people_are_filtered(hub: Hub) -> None:
    _ana(hub)
    hub.admin.made("/users", {"email": "ben@example.org", "name": "Ben", "role": "admin"})

    def names(**query: str) -> list[str]:
        return [item["name"] for item in hub.viewer.get("/users", **query).json()["items"]]

    assert names() == ["Ben", "Ana"]
    assert names(role="admin") == ["Ben"]
    assert names(q="ANA@") == ["Ana"]
    assert names(is_active="false") == []


def test_only_admins_make_and_remove_people(hub: Hub) -> None:
    made = _ana(hub)
    assert hub.responder.post("/users", {**ANA, "email": "x@example.org"}).slug == "forbidden"
    assert hub.responder.delete(f"/users/{made['id']}").slug == "forbidden"
    assert hub.responder.patch(f"/users/{made['id']}", {"name": "x"}).slug == "forbidden"


def test_one_changes_ones_own_name_and_times_and_nothing_more(hub: Hub) -> None:
    made = _ana(hub)
    ana, path = hub.person(made["id"]), f"/users/{made['id']}"
    other = hub.admin.made("/users", {"email": "ben@example.org", "name": "Ben"})
    quiet = [{"start": "22:00", "end": "07:00"}]
    changed = ana.patch(path, {"name": "Ana Lee", "timezone": "Asia/Tokyo", "quiet_hours": quiet})
    assert changed.json()["quiet_hours"][0]["timezone"] is None
    for body in ({"role": "admin"}, {"email": "x@example.org"}, {"is_active": False}):
        assert ana.patch(path, body).slug == "forbidden", body
    assert ana.patch(f"/users/{other['id']}", {"name": "x"}).slug == "forbidden"
    newest = hub.admin.get("/audit-events", object_id=made["id"]).json()["items"][0]
    assert newest["actor"] == {"kind": "user", "name": "Ana", "id": made["id"]}


def test_who_is_a_member_elsewhere_too_has_only_a_role_here(hub: Hub) -> None:
    made = _ana(hub)
    hub.sql(
        "INSERT INTO memberships (user_id, workspace_id, role) VALUES (%s, %s, 'viewer')",
        made["id"],
        hub.other_workspace_id,
    )
    path = f"/users/{made['id']}"
    for client in (hub.admin, hub.stranger):
        for body in ({"email": "x@example.org"}, {"is_active": False}, {"name": "x"}):
            assert client.patch(path, body).slug == "forbidden", body
    assert hub.stranger.patch(path, {"role": "admin"}).json()["role"] == "admin"
    assert hub.admin.get(path).json()["role"] == "responder"
    # Removed here, they stay there.
    assert hub.admin.delete(path).status == 204
    assert hub.admin.get(path).status == 404
    assert hub.stranger.get(path).json()["is_active"] is True


def test_nobody_sets_anothers_password_over_the_network(hub: Hub) -> None:
    made = _ana(hub)
    for answer in (
        hub.admin.post("/users", {**ANA, "email": "x@example.org", "password": "x" * 12}),
        hub.admin.patch(f"/users/{made['id']}", {"password": "x" * 12}),
        hub.person(made["id"]).patch(f"/users/{made['id']}", {"password": "x" * 12}),
    ):
        assert answer.slug == "forbidden", answer


# A key of one's own


def test_a_key_of_ones_own_speaks_for_its_person(hub: Hub) -> None:
    made = _ana(hub)
    ana = hub.person(made["id"], "admin")
    me = ana.get("/me").json()
    assert me["user"]["id"] == made["id"]
    assert me["workspace"]["slug"] == "default"
    # No more than the person may.
    assert me["role"] == "responder"
    assert ana.post("/api-keys", {"name": "x", "role": "viewer"}).slug == "forbidden"
    hub.admin.patch(f"/users/{made['id']}", {"role": "admin"})
    own = ana.made("/api-keys", {"name": "x", "role": "viewer", "user_id": made["id"]})
    assert own["user_id"] == made["id"]
    assert replace(ana, key=own["key"]).get("/me").json()["role"] == "viewer"
    (event,) = hub.admin.get("/audit-events", object_id=own["id"]).json()["items"]
    assert event["actor"] == {"kind": "user", "name": "Ana", "id": made["id"]}


def test_nobody_makes_a_key_that_speaks_for_another(hub: Hub) -> None:
    made = _ana(hub)
    body = {"name": "x", "role": "viewer", "user_id": made["id"]}
    assert hub.admin.post("/api-keys", body).slug == "forbidden"
    unknown = hub.admin.post("/api-keys", body | {"user_id": str(uuid7())})
    assert unknown.json()["errors"][0]["pointer"] == "/user_id"
    assert hub.stranger.post("/api-keys", body).slug == "not-found"


def test_the_key_of_who_is_disabled_or_removed_is_dead(hub: Hub) -> None:
    made = _ana(hub)
    ana, path = hub.person(made["id"]), f"/users/{made['id']}"
    assert ana.get("/me").status == 200
    hub.admin.patch(path, {"is_active": False})
    assert ana.get("/me").slug == "unauthorized"
    hub.admin.patch(path, {"is_active": True})
    assert ana.get("/me").status == 200
    hub.admin.delete(path)
    assert ana.get("/me").slug == "unauthorized"
    assert hub.sql("SELECT count(*) FROM api_keys WHERE user_id IS NOT NULL") == [(0,)]


def test_a_key_of_the_workspace_is_nobody(hub: Hub) -> None:
    me = hub.viewer.get("/me").json()
    assert (me["user"], me["role"]) == (None, "viewer")
    assert hub.viewer.patch("/me", {"name": "x"}).slug == "forbidden"


def test_one_changes_oneself(hub: Hub) -> None:
    made = _ana(hub)
    ana = hub.person(made["id"])
    quiet = [{"days": ["sat"], "start": "00:00", "end": "09:00", "timezone": "UTC"}]
    me = ana.patch("/me", {"name": "Ana Lee", "quiet_hours": quiet}).json()
    assert (me["user"]["name"], me["user"]["quiet_hours"]) == ("Ana Lee", quiet)
    assert ana.patch("/me", {"quiet_hours": None}).json()["user"]["quiet_hours"] is None
    for body in ({"role": "admin"}, {"email": "x@example.org"}, {"password": "short"}):
        assert ana.patch("/me", body).slug == "validation-failed", body


def test_a_new_password_takes_the_old_one_and_ends_all_sessions(hub: Hub) -> None:
    made = _ana(hub)
    ana = hub.person(made["id"])
    first, second = "correct horse battery", "staple it twice, please"
    hub.sql(
        "INSERT INTO sessions (id, user_id, token_hash, expires_at)"
        " VALUES (%s, %s, 'x', now() + interval '1 day')",
        uuid7(),
        made["id"],
    )
    assert ana.patch("/me", {"password": first}).status == 200
    assert hub.sql("SELECT count(*) FROM sessions") == [(0,)]
    ((stored,),) = hub.sql("SELECT password_hash FROM users WHERE id = %s", made["id"])
    assert stored.startswith("$argon2id$")
    assert first not in stored
    assert not is_outdated(stored)
    for wrong in ({}, {"current_password": "wrong"}):
        assert ana.patch("/me", {"password": second, **wrong}).slug == "wrong-password"
    assert ana.patch("/me", {"password": second, "current_password": first}).status == 200
    for _, before, after in _audited(hub):
        assert first not in repr((before, after))
        assert second not in repr((before, after))


def test_nobody_makes_a_link_that_signs_in_over_the_network(hub: Hub) -> None:
    made = _ana(hub)
    for client in (hub.admin, hub.person(made["id"], "admin")):
        assert client.post("/sign-in-links", {"user_id": made["id"]}).slug == "forbidden"
        assert client.post("/sign-in-links", {}).slug == "forbidden"
    assert hub.sql("SELECT count(*) FROM sign_in_links") == [(0,)]


def test_who_wants_to_be_told_of_shifts_says_so_and_nobody_says_it_for_them(hub: Hub) -> None:
    made = _ana(hub)
    assert made["shift_notices"] is None
    ana = hub.person(made["id"])
    wanted = {"before_minutes": [60, 1440, 60], "at_end": True}
    me = ana.patch("/me", {"shift_notices": wanted}).json()["user"]
    assert me["shift_notices"] == {"before_minutes": [1440, 60], "at_end": True}
    path = f"/users/{made['id']}"
    assert hub.viewer.get(path).json()["shift_notices"] == me["shift_notices"]
    assert hub.responder.patch(path, {"shift_notices": None}).status == 403
    assert hub.stranger.get(path).status == 404
    assert hub.stranger.patch(path, {"shift_notices": None}).status == 404
    assert ("updated", {"shift_notices": None}, {"shift_notices": me["shift_notices"]}) in _audited(
        hub
    )
    nothing = ana.patch("/me", {"shift_notices": {"before_minutes": [], "at_end": False}})
    assert nothing.json()["user"]["shift_notices"] is None
