"""Invitations: a link that makes a member, once, of whoever has it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from tests.api.conftest import Hub
from tests.support.answers import Answer

BEN = "ben@example.org"
PASSWORD = "correct horse battery"


def _invited(hub: Hub, **columns: Any) -> dict[str, Any]:
    return hub.admin.made("/invitations", {"email": BEN, "role": "admin", **columns})


def _accept(hub: Hub, made: dict[str, Any], **columns: Any) -> Answer:
    body = {"token": made["token"], "name": "Ben", "password": PASSWORD, **columns}
    return hub.nobody.post("/invitations/accept", body)


def test_a_link_makes_a_member_once(hub: Hub) -> None:
    made = _invited(hub)
    assert made["url"].endswith(f"/invitations/{made['token']}")
    accepted = _accept(hub, made, timezone="Europe/Vienna")
    assert accepted.status == 200
    user = accepted.json()["user"]
    assert (user["email"], user["name"], user["role"]) == (BEN, "Ben", "admin")
    assert user["timezone"] == "Europe/Vienna"
    assert accepted.json()["workspace"]["slug"] == "default"
    own = replace(hub.admin, key=accepted.json()["api_key"])
    assert own.get("/me").json()["user"] == user
    assert _accept(hub, made).slug == "not-found"
    kept = hub.admin.get(f"/invitations/{made['id']}").json()
    assert kept["accepted_at"] is not None
    events = hub.admin.get("/audit-events", object_id=made["id"]).json()["items"]
    assert [(event["action"], event["actor"]["kind"]) for event in events] == [
        ("accepted", "user"),
        ("created", "api_key"),
    ]


def test_many_at_once_accept_it_once(hub: Hub) -> None:
    made = _invited(hub)
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(_accept(hub, made))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200, 404, 404, 404]
    assert hub.sql("SELECT count(*) FROM users") == [(1,)]


def test_the_token_is_shown_once_and_kept_as_a_hash(hub: Hub) -> None:
    made = _invited(hub)
    assert made["token"] not in repr(hub.sql("SELECT t::text FROM invitations t"))
    for path in ("/invitations", f"/invitations/{made['id']}", "/audit-events"):
        assert made["token"].encode() not in hub.admin.get(path).body


def test_what_has_expired_or_was_revoked_leads_nowhere(hub: Hub) -> None:
    made = _invited(hub)
    assert _accept(hub, {"token": "tsi_unknown"}).slug == "not-found"
    hub.sql("UPDATE invitations SET expires_at = now()")
    assert _accept(hub, made).slug == "not-found"
    hub.sql("UPDATE invitations SET expires_at = now() + interval '1 day'")
    assert hub.admin.delete(f"/invitations/{made['id']}").status == 204
    assert _accept(hub, made).slug == "not-found"


def test_a_new_account_needs_a_name_and_a_password(hub: Hub) -> None:
    made = _invited(hub)
    body = {"token": made["token"], "password": PASSWORD}
    nameless = hub.nobody.post("/invitations/accept", body)
    assert [fault["pointer"] for fault in nameless.json()["errors"]] == ["/name"]
    weak = _accept(hub, made, password="hunter2")
    assert [fault["pointer"] for fault in weak.json()["errors"]] == ["/password"]
    assert b"hunter2" not in weak.body


def test_who_has_an_account_enters_its_password(hub: Hub) -> None:
    _accept(hub, _invited(hub))
    # Of another workspace: nobody there learns that there is such an account.
    made = hub.stranger.made("/invitations", {"email": BEN.upper(), "role": "viewer"})
    assert _accept(hub, made, password="another password").slug == "wrong-password"
    accepted = _accept(hub, made, name="Somebody else")
    assert accepted.status == 200
    assert accepted.json()["user"]["name"] == "Ben"
    assert accepted.json()["workspace"]["slug"] == "other"
    assert hub.sql("SELECT count(*) FROM users") == [(1,)]
    assert hub.admin.get("/users").json()["items"][0]["role"] == "admin"
    assert hub.stranger.get("/users").json()["items"][0]["role"] == "viewer"


def test_a_password_is_not_found_out_by_trying(hub: Hub) -> None:
    _accept(hub, _invited(hub))
    made = hub.stranger.made("/invitations", {"email": BEN})
    for _ in range(5):
        assert _accept(hub, made, password="another password").slug == "wrong-password"
    assert _accept(hub, made).slug == "not-found"


def test_a_member_is_not_invited_again(hub: Hub) -> None:
    _accept(hub, _invited(hub))
    answer = hub.admin.post("/invitations", {"email": BEN})
    assert (answer.status, answer.slug) == (409, "name-taken")


def test_who_is_disabled_does_not_come_back_by_an_invitation(hub: Hub) -> None:
    accepted = _accept(hub, _invited(hub)).json()
    hub.admin.patch(f"/users/{accepted['user']['id']}", {"is_active": False})
    made = hub.stranger.made("/invitations", {"email": BEN})
    assert _accept(hub, made).slug == "wrong-password"


def test_only_admins_invite(hub: Hub) -> None:
    assert hub.responder.post("/invitations", {"email": BEN}).slug == "forbidden"
    assert hub.responder.get("/invitations").slug == "forbidden"
