"""Contact methods: whose they are, who sees what of them, and how they are verified."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.conftest import Hub
from tests.api.server import Client
from tests.support.answers import Answer
from tocsin.access.contact_codes import ContactCodes
from tocsin.delivery.channels.registry import CHANNELS, CONTACT_KINDS

ADDRESS = "ana.lee@example.org"


@dataclass
class Ana:
    """Somebody with a key of her own, and one contact method."""

    hub: Hub
    id: str
    own: Client
    method: dict[str, Any]

    @property
    def path(self) -> str:
        return f"/contact-methods/{self.method['id']}"

    def code(self) -> str:
        """What the newest message says, as whoever sends it makes it."""
        ((delivery_id,),) = self.hub.sql(
            "SELECT id FROM alert_deliveries WHERE alert_destination_id = %s"
            " AND reason = 'verification' ORDER BY created_at DESC LIMIT 1",
            self.method["id"],
        )
        return self.hub.codes.code(delivery_id)

    def verify(self, code: str) -> Answer:
        return self.own.post(f"{self.path}/verify", {"code": code})

    def a_minute_later(self) -> None:
        self.hub.sql("UPDATE alert_deliveries SET created_at = created_at - interval '61 seconds'")


@pytest.fixture
def ana(hub: Hub) -> Ana:
    user = hub.admin.made("/users", {"email": ADDRESS, "name": "Ana", "timezone": "Asia/Tokyo"})
    own = hub.person(user["id"])
    method = own.made(
        f"/users/{user['id']}/contact-methods",
        {"type": "email", "config": {"recipients": [ADDRESS]}},
    )
    return Ana(hub, user["id"], own, method)


def test_only_its_owner_sees_an_address_in_full(hub: Hub, ana: Ana) -> None:
    assert ana.method["config"] == {"recipients": [ADDRESS], "timezone": "Asia/Tokyo"}
    assert (ana.method["label"], ana.method["verified_at"]) == ("Ana: email", None)
    assert ana.own.get(ana.path).json()["config"]["recipients"] == [ADDRESS]
    for client in (hub.admin, hub.viewer):
        for path in (ana.path, f"/users/{ana.id}/contact-methods"):
            answer = client.get(path)
            assert answer.status == 200
            assert b"a\\u2026@example.org" in answer.body or "a…@example.org" in str(answer.json())
            assert ADDRESS.encode() not in answer.body
    assert ADDRESS.encode() not in hub.admin.get("/audit-events").body.replace(
        b'"email":"ana.lee@example.org"', b""
    )


def test_it_is_none_of_the_workspaces_destinations(hub: Hub, ana: Ana) -> None:
    id = ana.method["id"]
    ana.verify(ana.code())
    assert hub.viewer.get("/alert-destinations").json()["items"] == []
    path = f"/alert-destinations/{id}"
    for answer in (
        hub.admin.get(path),
        hub.admin.patch(path, {"name": "mine"}),
        hub.admin.delete(path),
        hub.admin.post(f"{path}/test"),
        ana.own.get(path),
        hub.admin.patch(f"/workspaces/{hub.workspace_id}", {"fallback_destination_id": id}),
        hub.admin.post(
            "/alert-rules",
            {"name": "x", "event_types": ["alerts.triggered"], "destination_ids": [id]},
        ),
    ):
        assert (answer.status, answer.slug) == (404, "not-found"), answer
    # Nor is a destination a contact method, and their names do not meet.
    body = {"name": "Ana: email", "type": "email", "config": {"recipients": ["x@example.org"]}}
    destination = hub.admin.made("/alert-destinations", body)
    for client in (hub.admin, ana.own):
        assert client.get(f"/contact-methods/{destination['id']}").status == 404


def test_the_code_that_was_sent_verifies_it(hub: Hub, ana: Ana) -> None:
    assert hub.viewer.get(f"/users/{ana.id}").json()["is_reachable"] is False
    code = ana.code()
    verified = ana.verify(f" {code[:3]} {code[3:]} ")
    assert verified.status == 200
    assert verified.json()["verified_at"] is not None
    assert hub.viewer.get(f"/users/{ana.id}").json()["is_reachable"] is True
    assert ana.verify("000000").status == 200, "there is nothing left to prove"
    assert ana.own.post(f"{ana.path}/code").slug == "already-verified"
    events = hub.admin.get("/audit-events", object_id=ana.method["id"]).json()["items"]
    assert [event["action"] for event in events] == ["verified", "code-sent", "created"]


def test_the_code_stands_nowhere(hub: Hub, ana: Ana) -> None:
    code = ana.code()
    ((delivery_id,),) = hub.sql("SELECT id FROM alert_deliveries")
    shown = hub.admin.get(f"/alert-deliveries/{delivery_id}")
    assert (shown.json()["reason"], shown.json()["event_type"]) == ("verification", "alerts.test")
    assert shown.json()["payload"]["carries_code"] is True
    bodies = [shown.body, hub.admin.get("/audit-events").body, ana.own.get(ana.path).body]
    for table in ("alert_deliveries", "contact_codes", "alert_destinations", "audit_events"):
        bodies.append(repr(hub.sql(f"SELECT t::text FROM {table} t")).encode())
    assert not [
        body for body in bodies if f'"{code}"'.encode() in body or b" " + code.encode() in body
    ]


def test_after_five_wrong_codes_the_right_one_is_worth_nothing(hub: Hub, ana: Ana) -> None:
    code = ana.code()
    wrong = "111111" if code != "111111" else "222222"
    for left in ("4 more", "3 more", "2 more", "1 more", "Ask for a new one"):
        answer = ana.verify(wrong)
        assert (answer.status, answer.slug) == (422, "wrong-code")
        assert left in answer.json()["detail"]
    assert ana.verify(code).slug == "no-live-code"
    assert ana.own.post(f"{ana.path}/code").slug == "code-rate-limited"
    ana.a_minute_later()
    assert ana.own.post(f"{ana.path}/code").status == 202
    assert ana.code() != code
    assert ana.verify(ana.code()).status == 200


def test_many_tries_at_once_are_counted_each(hub: Hub, ana: Ana) -> None:
    wrong = "111111" if ana.code() != "111111" else "222222"
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(ana.verify(wrong))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (
        sorted(str(answer.slug) for answer in answers) == ["no-live-code"] * 3 + ["wrong-code"] * 5
    )


def test_a_code_is_dead_after_a_quarter_of_an_hour(hub: Hub, ana: Ana) -> None:
    hub.sql("UPDATE contact_codes SET expires_at = expires_at - interval '15 minutes'")
    assert ana.verify(ana.code()).slug == "no-live-code"


def test_a_new_code_takes_the_place_of_the_old(hub: Hub, ana: Ana) -> None:
    old = ana.code()
    ana.a_minute_later()
    assert hub.admin.post(f"{ana.path}/code").status == 202
    assert ana.verify(old).slug == "wrong-code"
    assert ana.verify(ana.code()).status == 200


def test_one_person_is_sent_twenty_codes_a_day(hub: Hub, ana: Ana) -> None:
    hub.sql(
        "INSERT INTO alert_deliveries (id, workspace_id, alert_destination_id, event_type, status,"
        " reason) SELECT gen_random_uuid(), workspace_id, id, 'alerts.test', 'sent',"
        " 'verification' FROM alert_destinations, generate_series(1, 19)"
    )
    ana.a_minute_later()
    answer = ana.own.post(f"{ana.path}/code")
    assert (answer.slug, answer.headers["retry-after"]) == ("code-rate-limited", "86400")
    # Also not to a new one, after the old one was deleted.
    assert ana.own.delete(ana.path).status == 204
    again = ana.own.post(
        f"/users/{ana.id}/contact-methods",
        {"type": "email", "config": {"recipients": ["another@example.org"]}},
    )
    assert again.slug == "code-rate-limited"


def test_only_its_owner_verifies_and_tries_it(hub: Hub, ana: Ana) -> None:
    other = hub.admin.made("/users", {"email": "ben@example.org", "name": "Ben"})
    code = ana.code()
    for client in (hub.admin, hub.responder, hub.person(other["id"])):
        assert client.post(f"{ana.path}/verify", {"code": code}).slug == "forbidden"
        assert client.post(f"{ana.path}/test").slug == "forbidden"
    assert ana.own.post(f"{ana.path}/test").slug == "not-verified"
    assert ana.verify(code).status == 200
    assert ana.own.post(f"{ana.path}/test").slug == "test-rate-limited"
    ana.a_minute_later()
    sent = ana.own.post(f"{ana.path}/test")
    assert (sent.status, sent.json()["reason"]) == (202, "test")
    assert ana.own.get(ana.path).json()["last_test"]["status"] == "Pending"


def test_an_admin_adds_and_removes_for_others_and_nobody_else_does(hub: Hub, ana: Ana) -> None:
    other = hub.admin.made("/users", {"email": "ben@example.org", "name": "Ben"})
    path = f"/users/{other['id']}/contact-methods"
    body = {"type": "email", "config": {"recipients": ["ben@example.org"]}, "label": "Ben's"}
    for client in (hub.responder, ana.own):
        assert client.post(path, body).slug == "forbidden"
    made = hub.admin.made(path, body)
    assert (made["label"], made["config"]["recipients"]) == ("Ben's", ["b…@example.org"])
    for client in (hub.responder, ana.own):
        assert client.patch(f"/contact-methods/{made['id']}", {"label": "x"}).slug == "forbidden"
        assert client.delete(f"/contact-methods/{made['id']}").slug == "forbidden"
        assert client.post(f"/contact-methods/{made['id']}/code").slug == "forbidden"
    changed = hub.admin.patch(f"/contact-methods/{made['id']}", {"label": "b", "is_enabled": False})
    assert (changed.json()["label"], changed.json()["is_enabled"]) == ("b", False)
    assert hub.admin.delete(f"/contact-methods/{made['id']}").status == 204
    assert hub.admin.get(f"/contact-methods/{made['id']}").status == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (
            {"type": "email", "config": {"recipients": ["a@example.org", "b@example.org"]}},
            "/config/recipients",
        ),
        ({"type": "email", "config": {"recipients": ["nobody"]}}, "/config/recipients/0"),
        ({"type": "webhook", "config": {"url": "http://127.0.0.1/"}}, "/config/url"),
        ({"type": "teams", "config": {"url": "https://example.org/"}}, "/type"),
        ({"type": "pagerduty", "config": {"routing_key": "x" * 32}}, "/type"),
        ({"type": "pigeon", "config": {}}, "/type"),
    ],
)
def test_what_is_wrong_is_named(hub: Hub, ana: Ana, body: Any, pointer: str) -> None:
    answer = ana.own.post(f"/users/{ana.id}/contact-methods", body)
    assert answer.slug == "validation-failed"
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


def test_every_channel_but_those_for_many_can_be_a_contact_method() -> None:
    assert set(CHANNELS) - set(CONTACT_KINDS) == {"teams", "pagerduty"}


def test_there_are_at_most_twenty(hub: Hub, ana: Ana) -> None:
    hub.sql(
        "INSERT INTO alert_destinations (id, workspace_id, user_id, name, type)"
        " SELECT gen_random_uuid(), workspace_id, user_id, name, type FROM alert_destinations,"
        " generate_series(1, 19)"
    )
    body = {"type": "email", "config": {"recipients": ["more@example.org"]}}
    answer = ana.own.post(f"/users/{ana.id}/contact-methods", body)
    assert [fault["code"] for fault in answer.json()["errors"]] == ["too-many"]


# Notification rules


def _rules(*lines: tuple[str, int, Any]) -> list[dict[str, Any]]:
    names = ("urgency", "delay_seconds", "contact_method_id")
    return [dict(zip(names, line, strict=True)) | {"says_end": None} for line in lines]


def test_rules_are_replaced_as_a_whole(hub: Hub, ana: Ana) -> None:
    path, id = f"/users/{ana.id}/notification-rules", ana.method["id"]
    assert hub.viewer.get(path).json() == {"items": []}
    rules = _rules(("low", 600, id), ("high", 300, id), ("high", 0, id))
    kept = ana.own.request("PUT", path, rules)
    assert kept.status == 200
    # By urgency, each in the order given.
    assert kept.json() == {"items": [rules[1], rules[2], rules[0]]}
    assert hub.viewer.get(path).json() == kept.json()
    assert hub.admin.request("PUT", path, _rules(("low", 0, id))).status == 200
    assert hub.responder.request("PUT", path, []).slug == "forbidden"
    assert ana.own.request("PUT", path, []).json() == {"items": []}
    events = hub.admin.get("/audit-events", object_type="notification_rules").json()["items"]
    assert [event["action"] for event in events] == ["updated"] * 3
    assert events[0]["after"] == {"rules": []}


def test_a_rule_says_whether_it_tells_of_the_end(hub: Hub, ana: Ana) -> None:
    path, id = f"/users/{ana.id}/notification-rules", ana.method["id"]
    wish = {"urgency": "high", "contact_method_id": id, "says_end": False}
    assert ana.own.request("PUT", path, [wish]).json()["items"][0]["says_end"] is False
    (fault,) = ana.own.request("PUT", path, [wish | {"says_end": "no"}]).json()["errors"]
    assert fault["pointer"] == "/0/says_end"


def test_rules_name_ones_own_contact_methods_only(hub: Hub, ana: Ana) -> None:
    other = hub.admin.made("/users", {"email": "ben@example.org", "name": "Ben"})
    path = f"/users/{other['id']}/notification-rules"
    for id in (ana.method["id"], str(uuid4())):
        answer = hub.admin.request("PUT", path, _rules(("high", 0, id)))
        assert answer.slug == "not-found"
        assert answer.json()["errors"][0]["pointer"] == "/0/contact_method_id"
    wrong = ana.own.request(
        "PUT", f"/users/{ana.id}/notification-rules", _rules(("urgent", -1, ana.method["id"]))
    )
    assert [fault["pointer"] for fault in wrong.json()["errors"]] == [
        "/0/urgency",
        "/0/delay_seconds",
    ]


def test_a_deleted_contact_method_takes_its_lines_along(hub: Hub, ana: Ana) -> None:
    path = f"/users/{ana.id}/notification-rules"
    ana.own.request("PUT", path, _rules(("high", 0, ana.method["id"])))
    assert ana.own.delete(ana.path).status == 204
    assert hub.viewer.get(path).json() == {"items": []}
    ((config, secret),) = hub.sql("SELECT config, secret_config FROM alert_destinations")
    assert (config, secret) == ({}, None)


def test_a_person_who_is_removed_takes_everything_along(hub: Hub, ana: Ana) -> None:
    ana.own.request(
        "PUT", f"/users/{ana.id}/notification-rules", _rules(("high", 0, ana.method["id"]))
    )
    assert hub.admin.delete(f"/users/{ana.id}").status == 204
    assert hub.admin.get(ana.path).status == 404
    assert hub.sql("SELECT count(*) FROM notification_rules") == [(0,)]
    assert ADDRESS not in repr(hub.sql("SELECT t::text FROM alert_destinations t"))


def test_a_code_is_made_of_the_message_that_carries_it() -> None:
    from tocsin.access.vault import Vault

    old, new = Vault.new_key(), Vault.new_key()
    message, method = UUID(int=1), UUID(int=2)
    before, after = ContactCodes([old]), ContactCodes([new, old])
    code = before.code(message)
    assert len(code) == 6
    assert code.isdecimal()
    kept = before.hash(method, code)
    assert before.is_code(kept, method, code)
    assert after.is_code(kept, method, code), "a key that was replaced is still known"
    assert not before.is_code(kept, UUID(int=3), code), "it is of another contact method"
    assert not ContactCodes([new]).is_code(kept, method, code)
